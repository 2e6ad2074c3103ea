import { spawn } from 'node:child_process'
import type { Answer, Ask } from './program.js'

/** Runs the search in a process of its own and resolves with what it found. */
export function askProgram<Kind extends Ask['kind']>(
  path: string,
  ask: Extract<Ask, { kind: Kind }>,
): Promise<Extract<Answer, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path, JSON.stringify(ask)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      const last = text.trim().split('\n').at(-1) ?? ''
      if (code !== 0 || last === '') return reject(new Error(`the search ended with ${code}: ${last}`))
      resolve(JSON.parse(last) as Extract<Answer, { kind: Kind }>)
    })
  })
}
