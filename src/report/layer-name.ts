/** What exporters call a weight when they have folded or copied it: `onnx::Conv_216`, `1234`. */
const MACHINE_MADE = /^(?:onnx::.*|\d+)$/;

/** The name to show for a weight: its own, or its layer's where an exporter made the weight's name up. */
export function layerName(weight: string, node: string | undefined): string {
  return node !== undefined && MACHINE_MADE.test(weight) ? node : weight;
}
