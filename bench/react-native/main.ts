import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Script } from 'node:vm'
import { packInto } from '../kit/pack.js'
import { bundleApp, installApp, VERSION } from './bundle.js'
import { createNative, type Platform } from './native.js'
import { createWorld, type Half, type World } from './world.js'

/** What an app reports. */
type Told =
  | { readonly platform: string; readonly has: readonly string[]; readonly lacks: readonly string[] }
  | { readonly promise: string; readonly holds: boolean; readonly more?: string }

const PLATFORMS: readonly Platform[] = ['ios', 'android']
const { values } = parseArgs({ options: { platform: { type: 'string', default: '' } } })
const platforms = PLATFORMS.filter((platform) => platform.startsWith(values.platform))
if (platforms.length === 0) {
  console.error('npm run react-native -- [--platform ios]')
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'livesocket-react-native-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
await installApp(folder, packInto(folder))
const half = (await import(pathToFileURL(join(folder, 'node_modules/livesocket/dist/server/index.js')).href)) as Half
for (const platform of platforms) {
  const bundle = await bundleApp(folder, platform)
  const world = await createWorld(half)
  await runApp(bundle, platform, world)
  await world.close()
}
// Dials that were kept hanging still hang, and would keep this process alive.
process.exit()

function runApp(bundle: string, platform: Platform, world: World): Promise<void> {
  return new Promise((done) => {
    const host = {
      ...world,
      URL,
      appState: (state: 'active' | 'inactive' | 'background') => native.appState(state),
      silence: () => native.silence(),
      sockets: () => native.sockets,
      told,
      done,
    }
    const native = createNative(platform, host)
    new Script(readFileSync(bundle, 'utf8'), { filename: bundle }).runInContext(native.context)
  })
}

function told(one: Told): void {
  if ('platform' in one)
    return console.log(
      `React Native ${VERSION}, ${one.platform}. Globals: ${one.has.join(' ')}. Not: ${one.lacks.join(' ')}.`,
    )
  if (!one.holds) process.exitCode = 1
  console.log(`${one.holds ? '✓' : '✗'} ${one.promise}${one.more === undefined ? '' : ` (${one.more})`}`)
}
