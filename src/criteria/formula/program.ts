import { present } from '../../errors.ts';
import { type Kernel, OPERATIONS } from './kernels.ts';

/** One thing to compute; `args` are the places of earlier steps. */
export type Step =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'call'; readonly kernel: Kernel; readonly args: readonly number[] };

/** A formula as a list of steps, of which the last gives the result. What is written twice is computed once. */
export class Program {
  readonly steps: Step[] = [];
  readonly #places = new Map<string, number>();

  /** Names of the variables it reads, in order of appearance. */
  get variables(): string[] {
    return this.steps.flatMap((step) => (step.kind === 'variable' ? [step.name] : []));
  }

  /** The place of a number. */
  number(value: number): number {
    return this.#add(`${value}`, { kind: 'number', value });
  }

  /** The place of a variable. */
  variable(name: string): number {
    return this.#add(`$${name}`, { kind: 'variable', name });
  }

  /** The place of an operation's result, by the name that `OPERATIONS` knows it under. */
  call(name: string, args: readonly number[]): number {
    const { kernel } = present(OPERATIONS.get(name), `the operation "${name}"`);
    return this.#add(`${name}(${args.join(', ')})`, { kind: 'call', kernel, args });
  }

  #add(key: string, step: Step): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.steps.length);
    return this.steps.push(step) - 1;
  }
}
