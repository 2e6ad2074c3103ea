import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ROOT } from '../kit/root.js'
import { createLoad } from './load.js'

/** A process that answers requests over IPC. */
export interface Program {
  ask<Answer = null>(what: string, given?: unknown): Promise<Answer>
  /** Ends the process at once, as a crash does. */
  kill(): void
}

type Handler = (given: never) => unknown

interface Question {
  readonly id: number
  readonly what: string
  readonly given?: unknown
}

/** @param name a file in this folder, without its extension */
export async function startProgram(name: string, args: readonly string[]): Promise<Program> {
  const child: ChildProcess = fork(join(import.meta.dirname, `${name}.ts`), args, {
    cwd: ROOT,
    execArgv: ['--import', 'tsx', '--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const waiting = new Map<number, (answer: unknown) => void>()
  let asked = 0
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  await once(child, 'message')
  return {
    ask: (what, given) =>
      new Promise((resolve) => {
        const id = ++asked
        waiting.set(id, resolve as (answer: unknown) => void)
        child.send({ id, what, given })
      }),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** The other side, which the program calls once. In addition to the given answers, it reports its load. */
export function answer(others: Record<string, Handler>): void {
  const handlers: Record<string, Handler> = { busy: createLoad(), ...others }
  process.on('message', ({ id, what, given }: Question) => {
    void Promise.resolve(handlers[what]!(given as never)).then((answered) =>
      process.send!({ id, answer: answered ?? null }),
    )
  })
  process.on('disconnect', () => process.exit())
  process.send!({ id: 0, answer: null })
}
