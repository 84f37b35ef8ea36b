import type { GraphBuilder } from '../support/build.ts';
import {
  type Build,
  conv,
  fresh,
  type Image,
  integers,
  type Layer,
  like,
  next,
  pick,
  type State,
  scalar,
  weight,
} from './generated-parts.ts';

/**
 * The latest values, as a body reads them. The runtime's optimizer (1.30) moves DequantizeLinear through a Slice or
 * Transpose towards whoever reads it, and ends the process where that is inside a body: Mul keeps it from there.
 */
function around(s: State, ...more: readonly Image[]): Image[] {
  return [...s.images.slice(-3), ...more].map((x) => next(x, s.b.node('Mul', [x.name, scalar(s, 0.5)])));
}

/** The layers of a body, over what is around it and what it is given. */
function inside(
  s: State,
  b: GraphBuilder,
  outer: readonly Image[],
  given: readonly Image[],
  layers: readonly Layer[],
): State {
  const state = { ...s, b, images: [...outer, ...given], integers: [...s.integers] };
  for (const layer of layers) s.add(state, layer);
  return state;
}

/** A condition of the data, which no cut touches. */
function flagOf(s: State): string {
  return s.b.node('Greater', [s.b.node('ReduceSum', [s.input.name], { keepdims: 0 }), scalar(s, 0)]);
}

/** Numbers that stay between −1 and 1 from turn to turn. */
const turned = (s: State, x: Image, target: Image): string =>
  s.b.node('Tanh', [s.b.node('Add', [like(s, x, target).name, target.name])]);

/** One of two bodies of these layers, each ending with `end`. */
function either(s: State, x: Image, layer: Layer, end: (state: State, y: Image) => Image): Image {
  const { inner = [] } = layer;
  const outer = around(s, x);
  const branch = (layers: readonly Layer[]): { graph: GraphBuilder } => {
    const body = s.b.subgraph();
    const state = inside(s, body, outer, [], layers);
    body.output(body.node('Identity', [end(state, pick(state, 0)).name]), 'float32');
    return { graph: body };
  };
  const half = inner.length >> 1;
  const graphs = { then_branch: branch(inner.slice(half)), else_branch: branch(inner.slice(0, half)) };
  return next(x, s.b.node('If', [flagOf(s)], graphs));
}

/** Fills a body that is given these images and one that it carries to the next turn; what each turn gives out. */
function turn(s: State, body: GraphBuilder, given: readonly Image[], carried: Image, layer: Layer): Image {
  const state = inside(s, body, around(s), [...given, carried], layer.inner ?? []);
  const made = pick(state, 0);
  // Scan wants to know the shapes of what comes out.
  body.output(turned(state, made, carried), 'float32', dimsOf(s, carried));
  const out = conv(state, made, 2 + layer.b);
  body.output(out.name, 'float32', dimsOf(s, out));
  return out;
}

/** The mean along the axis of turns. */
function overTurns(s: State, stack: string): string {
  return s.opset >= 18
    ? s.b.node('ReduceMean', [stack, integers(s, [0])], { keepdims: 0 })
    : s.b.node('ReduceMean', [stack], { axes: [0], keepdims: 0 });
}

const dimsOf = (s: State, x: Image): (number | string)[] => [s.batch, x.channels, x.side, x.side];

/** What a body declares of an image that it is given. */
const declared = (s: State, x: Image, layer: Layer): (number | string)[] | undefined =>
  layer.a % 2 === 0 ? dimsOf(s, x) : undefined;

/** Operators with bodies that hold any other layers, and read what is around them. */
export const BODY_LAYERS: Readonly<Record<string, Build>> = {
  either: (s, x, layer) => either(s, x, layer, (state, y) => like(state, y, x)),
  eitherWide: (s, x, layer) => {
    const channels = 2 + layer.a;
    const made = either(s, x, layer, (state, y) => conv(state, like(state, y, x), channels));
    return next(made, made.name, { channels });
  },
  eitherTied: (s, x, layer) => {
    const shared = weight(s, [x.channels, x.channels, 1, 1]);
    return either(s, x, layer, (state, y) => next(x, state.b.node('Conv', [like(state, y, x).name, shared])));
  },
  loop: (s, x, layer) => {
    const body = s.b.subgraph();
    body.input(fresh(s, 'turn'), 'int64', []);
    const going = body.input(fresh(s, 'going'), 'bool', []);
    const carried = next(x, body.input(fresh(s, 'carried'), 'float32', declared(s, x, layer)));
    body.output(body.node('Identity', [going]), 'bool', []);
    const out = turn(s, body, [], carried, layer);
    const trips = s.b.constant(fresh(s, 'trips'), 'int64', [], [2 + (layer.b % 2)]);
    const [last = '', stack = ''] = s.b.nodes('Loop', [trips, '', x.name], 2, { body: { graph: body } });
    return [next(out, overTurns(s, stack)), next(x, last)];
  },
  scan: (s, x, layer) => {
    const other = like(s, pick(s, layer.with), x);
    const along = layer.a > 3 ? 2 : 0;
    const parts = [x, other].map(({ name }) => s.b.node('Unsqueeze', [name, integers(s, [along])]));
    const stack = s.b.node('Concat', parts, { axis: along });
    const body = s.b.subgraph();
    const state = next(x, body.input(fresh(s, 'state'), 'float32', declared(s, x, layer)));
    const element = next(x, body.input(fresh(s, 'element'), 'float32', declared(s, x, layer)));
    const out = turn(s, body, [element], state, layer);
    const [last = '', made = ''] = s.b.nodes('Scan', [s.b.node('Tanh', [x.name]), stack], 2, {
      body: { graph: body },
      num_scan_inputs: 1,
      scan_input_axes: [along],
      ...(layer.b % 2 === 0 ? { scan_input_directions: [1] } : {}),
    });
    return [next(out, overTurns(s, made)), next(x, last)];
  },
};
