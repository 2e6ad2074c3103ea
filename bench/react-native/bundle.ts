import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../kit/root.js'
import type { Platform } from './native.js'

const run = promisify(execFile)

export const VERSION = '0.88.1'
const PACKAGES = [
  `react-native@${VERSION}`,
  `@react-native/metro-config@${VERSION}`,
  `@react-native/babel-preset@${VERSION}`,
  'metro@0.87.1',
  'react@19.3.1',
  'react-test-renderer@19.3.1',
  'ws@8.23.0',
]

const FILES: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'app', private: true }),
  'metro.config.cjs': `
const { getDefaultConfig } = require('@react-native/metro-config')
module.exports = getDefaultConfig(__dirname)
`,
  'babel.config.cjs': `module.exports = { presets: ['module:@react-native/babel-preset'] }\n`,
  'bundle.cjs': `
const Metro = require('metro')
const [platform, out] = process.argv.slice(2)
Metro.loadConfig({ config: 'metro.config.cjs' }).then((config) =>
  Metro.runBuild(config, { entry: 'app.js', out, platform, dev: false, minify: false }),
)
`,
}

/**
 * Installs an app with React Native and the package in a folder of its own. Its page is the first sample of the docs.
 */
export async function installApp(folder: string, tarball: string): Promise<void> {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
  copyFileSync(join(import.meta.dirname, 'programs/app.js'), join(folder, 'app.js'))
  const [, page] = /^```js\n([\s\S]*?)^```/m.exec(readFileSync(join(ROOT, 'docs/react-native.md'), 'utf8'))!
  writeFileSync(join(folder, 'app-page.js'), page!)
  const how = ['--no-audit', '--no-fund', '--prefer-offline', '--legacy-peer-deps']
  await run('npm', ['install', ...how, tarball, ...PACKAGES], { cwd: folder })
}

/** Bundles the app with Metro for the platform, behind React Native's own start. Returns the path of the bundle. */
export async function bundleApp(folder: string, platform: Platform): Promise<string> {
  const out = join(folder, `app.${platform}.js`)
  await run(process.execPath, ['bundle.cjs', platform, out], { cwd: folder })
  return out
}
