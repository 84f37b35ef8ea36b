import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    dir: 'test',
    testTimeout: 60_000,
    maxWorkers: '100%',
    globalSetup: 'test/support/built.ts',
    // Processes of the library start about three times as fast from compiled files as through tsx, and the tests start hundreds.
    env: { ONNX_PRUNE_COMPILED: fileURLToPath(new URL('dist/', import.meta.url)) },
  },
});

export default config;
