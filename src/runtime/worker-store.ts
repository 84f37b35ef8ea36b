import { storeGone } from './store-faults.ts';
import { type StoreUsage, TensorStore } from './tensor-store.ts';
import type { Feeds } from './types.ts';

const stores = new Map<string, TensorStore>();

/** The store of a name that the parent chose. */
export function storeOf(key: string): TensorStore {
  const store = stores.get(key);
  if (store === undefined) throw storeGone();
  return store;
}

/** Starts a store. */
export async function openStore(key: string, folder: string, memoryLimit: number): Promise<undefined> {
  stores.set(key, new TensorStore(folder, memoryLimit));
}

/** Stores tensors of one batch. */
export async function putTensors(key: string, batch: number, tensors: Feeds): Promise<undefined> {
  const store = storeOf(key);
  for (const [name, tensor] of Object.entries(tensors)) store.put(name, batch, tensor);
}

/** Forgets names in all batches. */
export async function dropTensors(key: string, names: readonly string[]): Promise<undefined> {
  const store = storeOf(key);
  for (const name of names) store.drop(name);
}

/** Bytes that a store holds. */
export async function storeUsage(key: string): Promise<StoreUsage> {
  return storeOf(key).usage();
}

/** Gives up a store, whose files the parent removes; nothing happens when it is gone already. */
export async function closeStore(key: string): Promise<undefined> {
  stores.delete(key);
}
