import { found, testCases } from './cases.ts';
import { QuantizedBuilder, type WeightForm } from './quantized-nets.ts';

/** tokens [6, 2, 5] → MatMul "first" [5, 8] → DynamicQuantizeLSTM of 4 units "w" [1, 8, 16] → MatMul "last". */
function lstm(form: WeightForm): QuantizedBuilder {
  const b = new QuantizedBuilder({ weights: form });
  const x = b.node('MatMul', [b.input('tokens', 'float32', [6, 2, 5]), b.weight('first', [5, 8], { fanIn: 5 })]);
  const [w, r] = [b.quantized('w', [1, 8, 16], 2), b.quantized('r', [1, 4, 16], 2)];
  const over = (name: string): string => b.node('Reshape', [name, b.constant(`${name}_dims`, 'int64', [2], [1, -1])]);
  const [scaleW, zeroW, scaleR, zeroR] = form.perChannel
    ? [over(w[1]), over(w[2]), over(r[1]), over(r[2])]
    : [
        b.constant('sw', 'float32', [1], [0.01]),
        b.constant('zw', form.type, [1], [3]),
        b.constant('sr', 'float32', [1], [0.01]),
        b.constant('zr', form.type, [1], [3]),
      ];
  const inputs = [x, w[0], r[0], b.weight('bias', [1, 32]), '', '', '', '', scaleW, zeroW, scaleR, zeroR];
  const y = b.node('DynamicQuantizeLSTM', inputs, { hidden_size: 4 }, { domain: 'com.microsoft' });
  b.output(
    b.node('MatMul', [b.node('Squeeze', [y, b.constant('one', 'int64', [1], [1])]), b.weight('last', [4, 3])]),
    'float32',
  );
  return b;
}

const net = (form: WeightForm) => ({
  ...found(lstm(form), 'first 8'),
  refusals: { w: /float LSTM can lose units/ },
});

testCases('DynamicQuantizeLSTM loses inputs, no units', {
  'with one scale': net({ type: 'uint8', perChannel: false }),
  'with scales per column': net({ type: 'int8', perChannel: true }),
});
