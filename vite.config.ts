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

// What is judged by the clock has the machine to itself.
const LOAD = [
  'test/demo/*.test.ts',
  'test/flood/*.test.ts',
  'test/foreign/raw-handovers.test.ts',
  'test/bench/foreign-handovers.test.ts',
  'test/late-timers.test.ts',
  'test/presence/drive.test.ts',
  'test/prove/prove.test.ts',
]
// Programs that are started, killed and waited for: they have seconds for whatever they do, and mostly wait for them.
const PROCESSES = [
  'test/cluster/*.test.ts',
  'test/bench/command.test.ts',
  'test/overload/*.test.ts',
  'test/presets/server-*.test.ts',
  'test/servers/*.test.ts',
  'test/server/redis/redis-{cluster,sentinel,connection}.test.ts',
]
// On two processors. A worker of these reckons for a third of its time: in the rest it waits for real zero timers.
const WORKERS = 4
const LEFT_OUT = withoutPrograms()
const CHROMIUM = ['test/browser/*.test.ts', 'test/**/*-in-chromium.test.ts', 'test/demo/*page.test.ts']

export default defineConfig({
  plugins: [leanReconnectingWebSocket(), licences()],
  resolve: {
    // What tests mean by a public name (tsconfig.json needs it under `paths`, for the editor and for tsx).
    alias: sourceAliases,
  },
  build: library(allEntries()),
  test: {
    allowOnly: false,
    // Where `.ci/run` reads its sum from.
    reporters: process.env['TEST_RESULTS']
      ? ['default', ['json', { outputFile: process.env['TEST_RESULTS'] }]]
      : ['default'],
    // Projects run one after the other: a browser beside eight workers on two cores is late for reasons of no interest.
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
        // What pages load in production: the same code with short texts and names. That its messages are short is what
        // `test/production` is about; no test here asks for another one.
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
        // Whole pages, stopped, hidden and sent away: one browser at a time, or it is slow for reasons of no interest.
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
        // Every story, with what its play function promises and with its accessibility check, in both themes.
        extends: true,
        plugins: [storybookTest({ configDir: join(import.meta.dirname, '.storybook') })],
        // Found only when a story runs, it would be bundled then, and the stories that run by then started over.
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
        // Builds and packs the package once, and then uses it as a stranger does.
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
