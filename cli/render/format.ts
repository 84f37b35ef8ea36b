/** How figures are written, for the terminal as for every other form of a report. */
export * from '../../src/report/format.ts';
