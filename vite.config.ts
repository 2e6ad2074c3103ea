import { join } from 'node:path'
import { storybookTest } from '@storybook/addon-vitest/vitest-plugin'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { briefTexts } from './build/brief-texts.js'
import { allEntries, sourceAliases } from './build/entries.js'
import { library } from './build/library.js'
import { licences } from './build/licences.js'
import { leanReconnectingWebSocket } from './build/reconnecting-websocket.js'
import { shortNames } from './build/short-names.js'
import { launchOptions } from './test/kit/browser.js'
import { withoutPrograms } from './test/kit/programs.js'

// Tests that measure time have the machine to themselves.
const LOAD = [
  'test/demo/*.test.ts',
  'test/flood/*.test.ts',
  'test/foreign/raw-handovers.test.ts',
  'test/bench/foreign-handovers.test.ts',
  'test/late-timers.test.ts',
  'test/presence/drive.test.ts',
  'test/prove/prove.test.ts',
]
// These start programs, kill them and wait for them. They have seconds for each step, and mostly wait.
const PROCESSES = [
  'test/cluster/*.test.ts',
  'test/bench/command.test.ts',
  'test/overload/*.test.ts',
  'test/presets/server-*.test.ts',
  'test/servers/*.test.ts',
  'test/server/redis/redis-{cluster,sentinel,connection}.test.ts',
]
// On two processors. A worker of these tests computes for a third of its time, and otherwise waits for zero timers.
const WORKERS = 4
const LEFT_OUT = withoutPrograms()
const CHROMIUM = ['test/browser/*.test.ts', 'test/**/*-in-chromium.test.ts', 'test/demo/*page.test.ts']

export default defineConfig({
  plugins: [leanReconnectingWebSocket(), licences()],
  resolve: {
    // The modules that tests get for public names. tsconfig.json has them under `paths` too, for the editor and for tsx.
    alias: sourceAliases,
  },
  build: library(allEntries()),
  test: {
    allowOnly: false,
    // `.ci/run` reads its totals from this file.
    reporters: process.env['TEST_RESULTS']
      ? ['default', ['json', { outputFile: process.env['TEST_RESULTS'] }]]
      : ['default'],
    // Projects run one after the other: a browser beside eight workers on two cores would only be slow.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: [
            'test/**/*.browser.test.{ts,tsx}',
            'test/package/**',
            'test/production/**',
            ...LOAD,
            ...PROCESSES,
            ...CHROMIUM,
            ...LEFT_OUT,
          ],
          maxWorkers: WORKERS,
        },
      },
      {
        // The code that pages load in production, with short texts and names. `test/production` tests its short messages;
        // the other tests of this project expect no particular text.
        extends: true,
        plugins: [briefTexts(), shortNames({ besides: /\/test\/publishes\// })],
        test: {
          name: 'production',
          sequence: { groupOrder: 0 },
          include: [
            'test/production/*.test.ts',
            'test/scenario/{deploy,crash,epoch-loss,redirect}.test.ts',
            'test/publishes/outbox-handovers.test.ts',
          ],
          maxWorkers: WORKERS,
        },
      },
      {
        extends: true,
        test: {
          name: 'load',
          include: LOAD,
          exclude: [...CHROMIUM, ...LEFT_OUT],
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: PROCESSES,
          exclude: [...CHROMIUM, ...LEFT_OUT],
          sequence: { groupOrder: 6 },
          maxWorkers: 2,
        },
      },
      {
        // Whole pages that are stopped, hidden and navigated away: one browser at a time, because several would only be slow.
        extends: true,
        test: { name: 'chromium', include: CHROMIUM, sequence: { groupOrder: 2 }, fileParallelism: false },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.{ts,tsx}'],
          globalSetup: ['test/kit/browser-servers.ts'],
          sequence: { groupOrder: 3 },
          browser: {
            enabled: true,
            headless: true,
            provider: playwright({ launchOptions }),
            instances: [{ browser: 'chromium' }],
            screenshotFailures: false,
          },
        },
      },
      {
        // Every story: the promises of its play function, and its accessibility in both themes.
        extends: true,
        plugins: [storybookTest({ configDir: join(import.meta.dirname, '.storybook') })],
        // Without this list these would be bundled when the first story needs them, and running stories would start over.
        optimizeDeps: { include: ['@storybook/addon-a11y/preview', '@tanstack/react-query'] },
        test: {
          name: 'storybook',
          env: { BOTH_THEMES: 'yes' },
          sequence: { groupOrder: 5 },
          browser: {
            enabled: true,
            headless: true,
            provider: playwright({ launchOptions }),
            instances: [{ browser: 'chromium' }],
            screenshotFailures: false,
          },
        },
      },
      {
        // Builds and packs the package once, and then uses it as an application does.
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/*.test.ts'],
          globalSetup: ['test/package/packed.ts'],
          sequence: { groupOrder: 4 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
