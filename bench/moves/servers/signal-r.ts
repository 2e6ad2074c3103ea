import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { signalR } from '../../../src/presets/signal-r.js'
import { builtDotnet } from '../../../test/kit/dotnet.js'
import type { ForeignServer } from './server.js'

/** A SignalR hub of ASP.NET Core; messages are identified by the name that the hub gives them. */
export async function start(): Promise<ForeignServer> {
  const program = await builtDotnet(join(import.meta.dirname, 'signal-r'))
  const child = spawn('dotnet', [program, '--urls', 'http://127.0.0.1:0'], {
    env: { ...process.env, Logging__LogLevel__Default: 'Error' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      const [, said] = /listening on (\d+)/.exec(String(text)) ?? []
      if (said) resolve(Number(said))
    })
    void gone.then(([code]) => reject(new Error(`the hub ended with ${String(code)}`)))
  })
  return {
    port,
    url: (at) => `ws://127.0.0.1:${at}/hub`,
    protocol: signalR({ identity: ([name]) => String(name), leastOverlap: 100 }),
    topic: 'tick',
    numberIn: (data) => (data as [string, number])[1],
    tell: (number) => void child.stdin.write(`${number}\n`),
    askToMove: () => void child.stdin.write('move\n'),
    async close() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
