/** A tool that bundles or tests an application that has the package installed. */
export interface Bundler {
  readonly name: string
  /** Arguments for `npm install`. Their own dependencies come with them. */
  readonly packages: readonly string[]
  /** The tool's configuration files, by file name. `docs/bundlers.md` shows their content. */
  readonly files: Readonly<Record<string, string>>
  /** The command, run in the application's folder. */
  readonly command: readonly string[]
  /** Where the bundled page is, which is then run in Node. Absent for a test runner. */
  readonly page?: string
  /** The build of LiveSocket that the page must contain. */
  readonly build?: 'production' | 'development'
  /** Too large or too slow to run with every test run. */
  readonly slow?: boolean
}

/** The page that every bundler bundles: it prints which build it has, and dials. */
export const PAGE = `
import { createLiveSocket } from 'livesocket'
import { LiveWebSocket } from 'livesocket/vanilla'

class WebSocket extends EventTarget {
  static CLOSING = 2
  constructor(url) {
    super()
    console.log('dialled ' + url + ' ' + typeof LiveWebSocket)
  }
}
try {
  createLiveSocket({ url: 'wss://h', connectTimeout: -1 })
} catch ({ message }) {
  console.log(/#\\w+\\(/.test(message) ? 'production' : 'development')
}
const socket = createLiveSocket({ url: 'wss://example.test/live', environment: { WebSocket } })
socket.connect()
setTimeout(() => socket.close(), 50)
`

/** The test that every test runner runs. */
const TEST = `
import { createLiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'

test('a message arrives', async () => {
  const world = createSimulation()
  const socket = createLiveSocket({ url: world.url, environment: world.environment })
  const heard = []
  socket.subscribe('chat', (data) => heard.push(data))
  socket.connect()
  await world.advance(1000)
  world.publish('chat', 1)
  await world.advance(1000)
  socket.close()
  expect(heard).toEqual([1])
})
`

const WEBPACK = (mode: string) => `
module.exports = {
  mode: '${mode}',
  context: __dirname,
  entry: './page.js',
  output: { path: __dirname + '/out', filename: 'webpack-${mode}.js' },
  optimization: { minimize: false },
}
`

const VITE = ['vite@8.3.8']
const WEBPACKS = ['webpack@5.102.1', 'webpack-cli@7.3.1']

export const BUNDLERS: readonly Bundler[] = [
  {
    name: 'esbuild',
    packages: ['esbuild@0.28.2'],
    files: {},
    command: ['esbuild', 'page.js', '--bundle', '--minify', '--log-level=warning', '--outfile=out/esbuild.js'],
    page: 'out/esbuild.js',
    build: 'production',
  },
  {
    name: 'esbuild, for development',
    packages: ['esbuild@0.28.2'],
    files: {},
    command: ['esbuild', 'page.js', '--bundle', '--conditions=development', '--outfile=out/esbuild-development.js'],
    page: 'out/esbuild-development.js',
    build: 'development',
  },
  {
    name: 'Rollup',
    packages: ['rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3', '@rollup/plugin-commonjs@29.0.3'],
    files: {
      'rollup.config.mjs': `
import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'

export default {
  input: 'page.js',
  output: { file: 'out/rollup.js', format: 'iife' },
  plugins: [resolve({ browser: true }), commonjs()],
}
`,
    },
    command: ['rollup', '-c', '--failAfterWarnings'],
    page: 'out/rollup.js',
    build: 'production',
  },
  ...(['production', 'development'] as const).map((mode) => ({
    name: mode === 'production' ? 'webpack' : 'webpack, for development',
    packages: WEBPACKS,
    files: { [`webpack-${mode}.config.cjs`]: WEBPACK(mode) },
    command: ['webpack', '--config', `webpack-${mode}.config.cjs`],
    page: `out/webpack-${mode}.js`,
    build: mode,
  })),
  {
    name: 'Parcel',
    packages: ['parcel@2.16.4'],
    files: {},
    command: ['parcel', 'build', 'page.js', '--dist-dir', 'out/parcel', '--no-cache', '--no-source-maps'],
    page: 'out/parcel/page.js',
    build: 'production',
  },
  {
    name: 'Jest',
    packages: ['jest@30.5.2', '@babel/preset-env@7.29.14'],
    files: {
      'jest/message.test.js': TEST,
      'jest.config.cjs': `
module.exports = {
  roots: ['jest'],
  transform: { '\\\\.js$': ['babel-jest', { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }] },
  transformIgnorePatterns: ['/node_modules/(?!(livesocket|nanoid)/)'],
}
`,
    },
    command: ['jest'],
  },
  {
    name: 'Vite',
    packages: VITE,
    files: {
      'vite.config.mjs': `
export default { build: { outDir: 'out/vite', lib: { entry: 'page.js', formats: ['es'], fileName: 'page' } } }
`,
    },
    command: ['vite', 'build', '--logLevel', 'warn'],
    page: 'out/vite/page.mjs',
    build: 'production',
    slow: true,
  },
  {
    name: 'Vitest',
    packages: ['vitest@4.1.12', ...VITE],
    files: { 'vitest/message.test.js': TEST },
    command: ['vitest', 'run', '--globals', '--root', '.', 'vitest/'],
    slow: true,
  },
  {
    name: 'Metro',
    packages: [
      'metro@0.87.1',
      '@react-native/metro-config@0.88.1',
      '@react-native/babel-preset@0.88.1',
      'react-native@0.88.1',
      'react@19.3.1',
    ],
    files: {
      'metro.config.cjs': `
const { getDefaultConfig } = require('@react-native/metro-config')
module.exports = getDefaultConfig(__dirname)
`,
      'babel.config.cjs': `module.exports = { presets: ['module:@react-native/babel-preset'] }\n`,
      'metro.cjs': `
const Metro = require('metro')
Metro.loadConfig({ config: 'metro.config.cjs' }).then((config) =>
  Metro.runBuild(config, { entry: 'page.js', out: 'out/metro.js', platform: 'ios', dev: false, minify: false }),
)
`,
    },
    command: ['node', 'metro.cjs'],
    page: 'out/metro.js',
    build: 'production',
    slow: true,
  },
  {
    name: 'Next',
    packages: ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'],
    files: {
      'app/layout.js': `export default ({ children }) => <html><body>{children}</body></html>\n`,
      'app/page.js': `
'use client'
import { LiveSocketProvider, useLiveStatus } from 'livesocket/react'

function Status() {
  return <p>{useLiveStatus()}</p>
}
export default function Page() {
  return (
    <LiveSocketProvider options={{ url: 'wss://example.test/live' }}>
      <Status />
    </LiveSocketProvider>
  )
}
`,
    },
    command: ['next', 'build'],
    slow: true,
  },
]
