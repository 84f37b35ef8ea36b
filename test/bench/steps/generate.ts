import { writeModelFile } from '../../../src/onnx/write.ts';
import { encoder, lstm, mlp, mobileNetV2, mobileNetV3 } from '../int8-nets.ts';
import { rankingNet, residualChain, resnet18, vgg16, wideConvNet } from '../nets.ts';

// Writes a generated net: its name, the file, and for the chain its length, for those that run on integers the samples in a batch.
const [net = '', path = '', number] = process.argv.slice(2);
const makers: Readonly<Record<string, () => Parameters<typeof writeModelFile>[1]>> = {
  vgg16,
  // Weights of one size, of which a threshold over all layers leaves some in each.
  even: () => vgg16(0.02),
  wide: wideConvNet,
  resnet18: () => resnet18(number === undefined ? undefined : Number(number)),
  chain: () => residualChain(Number(number ?? 500)),
  ranking: rankingNet,
  'mobilenet-v2': () => mobileNetV2(Number(number ?? 1)),
  'mobilenet-v3': () => mobileNetV3(Number(number ?? 1)),
  mlp: () => mlp(Number(number ?? 1)),
  encoder: () => encoder(Number(number ?? 1)),
  lstm: () => lstm(Number(number ?? 1)),
};
const make = makers[net];
if (make === undefined) throw new Error(`No net "${net}"`);
const model = make();
const { bytes } = await writeModelFile(path, model);
console.log(JSON.stringify({ bytes, nodes: model.graph?.node?.length ?? 0 }));
