import { writeModelFile } from '../../../src/onnx/write.ts';
import { rankingNet, residualChain, resnet18, vgg16, wideConvNet } from '../nets.ts';

// Writes a generated net: its name, the file, and for the chain its length.
const [net = '', path = '', length = '500'] = process.argv.slice(2);
const makers: Readonly<Record<string, () => Parameters<typeof writeModelFile>[1]>> = {
  vgg16,
  // Weights of one size, of which a threshold over all layers leaves some in each.
  even: () => vgg16(0.02),
  wide: wideConvNet,
  resnet18,
  chain: () => residualChain(Number(length)),
  ranking: rankingNet,
};
const make = makers[net];
if (make === undefined) throw new Error(`No net "${net}"`);
const model = make();
const { bytes } = await writeModelFile(path, model);
console.log(JSON.stringify({ bytes, nodes: model.graph?.node?.length ?? 0 }));
