import { spawn } from 'node:child_process'
import { ROOT } from '../kit/source-files.js'
import type { Answer, Ask } from './program.js'

/** Runs the search in a process of its own. Resolves with its result. */
export async function askProgram<Kind extends Ask['kind']>(
  path: string,
  ask: Extract<Ask, { kind: Kind }>,
): Promise<Extract<Answer, { kind: Kind }>> {
  return JSON.parse(await lastLine([path, JSON.stringify(ask)])) as Extract<Answer, { kind: Kind }>
}

/** The last line that a Node program prints. */
export function lastLine(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // Worlds are created and dropped by the thousand: with a larger young generation, garbage collection takes a fifth
    // less time.
    const child = spawn(process.execPath, ['--max-semi-space-size=32', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      const last = text.trim().split('\n').at(-1) ?? ''
      // A search that found something prints it and ends with exit code 1.
      if (last === '') reject(new Error(`${args[0]} ended with ${code} and said nothing`))
      else resolve(last)
    })
  })
}
