import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { freePort } from '../kit/free-port.js'

export interface DotnetProgram {
  readonly child: ChildProcess
  readonly port: number
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

/** A C# program on a free port, once it has printed that it listens. It ends with the test. */
export async function startDotnet(program: string, env: Record<string, string>): Promise<DotnetProgram> {
  const port = await freePort()
  const child = spawn('dotnet', [program, '--urls', `http://127.0.0.1:${port}`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text: Buffer) => (said += String(text)).includes('listening on') && resolve())
    void ended.then((code) => reject(new Error(`${program} ended with ${code}: ${said}`)))
  })
  return { child, port, ended }
}
