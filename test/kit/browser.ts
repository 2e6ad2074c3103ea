import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, sep } from 'node:path'
import { chromium, type Browser, type LaunchOptions } from 'playwright-core'

/** The only browser launcher in this repository: browser tests, pictures and the demo's own checks all use it. */

const NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome']

const USUAL_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ...[process.env['PROGRAMFILES'], process.env['PROGRAMFILES(X86)'], process.env['LOCALAPPDATA']].flatMap((root) =>
    root ? [join(root, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [],
  ),
]

/** Without these, Chromium contacts Google's servers at every start, and does not start at all as root. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function installed(): string | undefined {
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [...onPath, ...USUAL_PATHS].find(isExecutable)
}

function ofPlaywright(): string | undefined {
  const path = chromium.executablePath()
  return path && existsSync(path) ? path : undefined
}

/**
 * The Chromium for Linux inside `@sparticuz/chromium`, unpacked once (3 s, 200 MB) into node_modules/.cache. It is
 * unpacked into a temporary folder and renamed when complete, so that two test runs that start together never see half
 * a browser.
 */
function ofRegistry(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const root = entry.slice(0, entry.lastIndexOf(`${sep}build${sep}`))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const cache = join(dirname(dirname(root)), '.cache', 'livesocket')
  const home = join(cache, `chromium-${version}`)
  const binary = join(home, 'chromium')
  if (isExecutable(binary)) return binary

  mkdirSync(cache, { recursive: true })
  const unpacked = mkdtempSync(join(cache, 'unpacking-'))
  const script = `import(${JSON.stringify(entry)}).then(({ default: chromium }) => (chromium.default ?? chromium).executablePath())`
  const child = spawnSync(process.execPath, ['-e', script], {
    env: { ...process.env, TMPDIR: unpacked },
    encoding: 'utf8',
  })
  if (child.status !== 0) {
    rmSync(unpacked, { recursive: true, force: true })
    throw new Error(`The Chromium inside @sparticuz/chromium could not be unpacked into ${cache}: ${child.stderr}`)
  }
  try {
    renameSync(unpacked, home)
  } catch {
    // Another run has finished first, with the same browser.
    rmSync(unpacked, { recursive: true, force: true })
  }
  return binary
}

/**
 * The path of the browser, in this order: `CHROMIUM_PATH`, an installed Chrome or Chromium, the one that Playwright
 * has downloaded, the one inside `@sparticuz/chromium`.
 */
export function findBrowser(): string {
  const asked = process.env['CHROMIUM_PATH']
  if (asked) {
    if (!isExecutable(asked)) throw new Error(`CHROMIUM_PATH is ${asked}, which is not a program that can be started.`)
    return asked
  }
  const found = installed() ?? ofPlaywright() ?? ofRegistry()
  if (!found) throw new Error('No Chrome or Chromium was found. Install one, or set CHROMIUM_PATH to the path of one.')
  return found
}

let checked: string | undefined

/** The browser's path, after it has started once. If it cannot start, the error says what is missing. */
export function workingBrowser(): string {
  if (checked) return checked
  const path = findBrowser()
  const libraries = process.platform === 'linux' ? missingLibraries(path) : []
  if (libraries.length > 0) {
    throw new Error(
      `${path} cannot start: this system lacks ${libraries.join(', ')}. ` +
        'On Debian or Ubuntu run `apt-get install libnss3 libnspr4`, install Chrome or Chromium, or set CHROMIUM_PATH.',
    )
  }
  return (checked = path)
}

function missingLibraries(path: string): string[] {
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' })
  return [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library!)
}

/** For Playwright. The path is looked up when it is read, so a run without browser tests never looks for a browser. */
export const launchOptions: LaunchOptions = {
  args: ARGS,
  get executablePath() {
    return workingBrowser()
  },
}

/** Starts the browser; the caller closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ args: ARGS, executablePath: workingBrowser() })
}
