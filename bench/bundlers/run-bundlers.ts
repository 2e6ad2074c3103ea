import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PAGE, type Bundler } from './bundlers.js'

const run = promisify(execFile)

/** On Windows, the commands that npm installs are scripts that only a shell can start. */
const shell = process.platform === 'win32'

/** Installs an application with the package and these tools in a folder of its own. */
export async function installBundlers(folder: string, tarball: string, bundlers: readonly Bundler[]): Promise<void> {
  // Parcel reads `exports` only if this is set.
  const manifest = { name: 'bundlers', private: true, '@parcel/resolver-default': { packageExports: true } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'page.js'), PAGE)
  const packages = [...new Set(bundlers.flatMap(({ packages }) => packages))]
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', '--legacy-peer-deps', tarball, ...packages],
    {
      cwd: folder,
      shell,
    },
  )
}

/**
 * Runs one tool. Returns what the page printed, or that its test passed. If the tool failed, throws with its output.
 */
export async function useBundler(folder: string, { command, page, files }: Bundler): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const [name, ...args] = command as [string, ...string[]]
  const own = join(folder, 'node_modules/.bin', name)
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env
  const { stdout, stderr } = await run(existsSync(own) ? own : name, args, {
    cwd: folder,
    shell,
    env: { ...env, CI: 'true', NEXT_TELEMETRY_DISABLED: '1', PARCEL_WORKER_BACKEND: 'process' },
  })
    .finally(() => {
      // One tool must not read the configuration of another.
      for (const name of Object.keys(files)) rmSync(join(folder, name))
    })
    .catch((failed: { stdout: string; stderr: string }) => {
      throw new Error(`${command.join(' ')} failed:\n${failed.stdout}${failed.stderr}`)
    })
  if (page === undefined) return [/1 passed|Compiled successfully/.exec(stdout + stderr)?.[0] ?? stdout + stderr]
  // The file has an unusual extension, so that the `type` of the application's package.json does not apply.
  const alone = join(
    folder,
    `${page}.run${/^(export|import) /m.test(readFileSync(join(folder, page), 'utf8')) ? '.mjs' : '.cjs'}`,
  )
  writeFileSync(alone, readFileSync(join(folder, page)))
  return (await run(process.execPath, [alone], { cwd: folder })).stdout.trim().split('\n')
}

/** The lines that a tool must print. */
export function wanted({ page, build, name }: Bundler): string[] {
  if (page === undefined) return [name === 'Next' ? 'Compiled successfully' : '1 passed']
  return [build!, 'dialled wss://example.test/live function']
}
