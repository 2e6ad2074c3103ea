import { defineConfig } from 'vitest/config'
import { entries } from '../../build/entries.js'
import { ROOT } from '../kit/source-files.js'
import { planter, type Plant } from './planter.js'

/** Runs tests with one mistake planted in src/: see test-judge.ts. */
export default defineConfig({
  root: ROOT,
  plugins: process.env['PLANT'] ? [planter(JSON.parse(process.env['PLANT']) as Plant)] : [],
  resolve: {
    alias: entries.map(({ publicName, source }) => ({ find: new RegExp(`^${publicName}$`), replacement: source })),
  },
  test: {
    include: [process.env['JUDGE']!],
    testNamePattern: process.env['ONLY'] ?? '',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    bail: 1,
  },
})
