import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './source-files.js'

const run = promisify(execFile)
/** The files of a project, without the folders that a build writes. */
const SOURCE = /\.(cs|csproj|json)$/

/**
 * The program of a C# project, for `dotnet` to run. It is built once for each state of its files, and cached in the
 * system's temporary folder.
 *
 * @param more folders with further files of the project
 */
export async function builtDotnet(folder: string, ...more: string[]): Promise<string> {
  const files = [folder, ...more].flatMap((one) =>
    readdirSync(resolve(ROOT, one))
      .filter((file) => SOURCE.test(file))
      .map((file) => resolve(ROOT, one, file)),
  )
  const project = files.find((file) => file.endsWith('.csproj'))!
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${basename(file)}\n`).update(readFileSync(file))
  const out = join(tmpdir(), `livesocket-dotnet-${hash.digest('hex').slice(0, 16)}`)
  const name = basename(project, '.csproj')
  const program = join(out, `bin/${name}/release/${name}.dll`)
  if (existsSync(program)) return program
  const building = `${out}-${process.pid}`
  await run(
    'dotnet',
    [
      'build',
      project,
      '-c',
      'Release',
      '--artifacts-path',
      building,
      '--disable-build-servers',
      '-p:RunAnalyzers=false',
      '-v',
      'q',
      '--nologo',
    ],
    { env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' } },
  ).catch((failed: { stdout?: string; message: string }) => {
    throw new Error(`dotnet build ${folder}: ${failed.stdout || failed.message}`)
  })
  // Another process may have finished the same build first.
  await rename(building, out).catch(() => rm(building, { recursive: true, force: true }))
  return program
}
