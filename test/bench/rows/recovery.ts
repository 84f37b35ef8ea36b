import { runStep } from '../process.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

/** Ranking, cutting and recovering ResNet-18 on 256 images of 224 × 224: where the time goes, and what memory it takes. */
export async function recoveryRow(workshop: Workshop): Promise<Line[]> {
  const model = workshop.path('resnet18.onnx');
  await runStep(workshop, 'generate', ['resnet18', model]);
  const { figures } = await runStep(workshop, 'recover', [model, '30%', 256]);
  const of = (key: string): number => figures[key] ?? Number.NaN;
  const minutes = of('totalMs') / 60_000;
  const peak = (of('ownPeak') + of('childPeak')) / 1e9;
  return [
    atMost('time in all', `${minutes.toFixed(1)} min`, minutes, 10, ' min'),
    context('in onnxruntime / in all', `${(of('inRuntimeMs') / of('totalMs')).toFixed(2)}×`),
    context('measuring channels', `${of('measure channels').toFixed(0)} s`),
    context('ranking and cutting', `${of('prune').toFixed(0)} s`),
    context('recovering', `${of('recover').toFixed(0)} s`),
    context('peak memory of onnxruntime’s process', `${(of('childPeak') / 1e9).toFixed(2)} GB`),
    atMost('peak memory of both processes together', `${peak.toFixed(2)} GB`, peak, 2, ' GB'),
  ];
}
