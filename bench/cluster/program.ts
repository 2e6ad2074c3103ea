import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { setPriority } from 'node:os'

/** A process that answers requests over IPC. */
export interface Program {
  readonly pid: number
  /** Rejects if the process ends before its answer. */
  ask<Answer = unknown>(what: string, details?: object): Promise<Answer>
  kill(signal: NodeJS.Signals): void
  /** The exit code, or null if a signal ended the process. */
  readonly exit: Promise<number | null>
  readonly alive: boolean
}

interface Reply {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Garbage collection uses no helper threads. Where many processes share two cores, a collection would wait for its
 * helpers to be scheduled, and the garbage that accumulates meanwhile makes the next collection longer.
 */
const FLAGS = ['--expose-gc', '--no-parallel-scavenge']

export function startProgram(file: string, setup: object, flags: readonly string[] = []): Program {
  const child = fork(file, [JSON.stringify(setup)], {
    execArgv: [...FLAGS, ...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  running.add(child)
  const asked = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  let count = 0
  child.on('message', ({ id, answer, error }: Reply) => {
    const waiting = asked.get(id)
    asked.delete(id)
    if (error === undefined) waiting?.resolve(answer)
    else waiting?.reject(new Error(error))
  })
  const exit = once(child, 'exit').then(([code]) => {
    running.delete(child)
    for (const { reject } of asked.values()) reject(new Error(`${file} ended with ${String(code)}`))
    asked.clear()
    return code as number | null
  })
  const alive = () => child.exitCode === null && child.signalCode === null
  return {
    pid: child.pid!,
    ask<Answer>(what: string, details: object = {}) {
      return new Promise<Answer>((resolve, reject) => {
        if (!alive()) return reject(new Error(`${file} has ended`))
        const id = ++count
        asked.set(id, { resolve: resolve as (answer: unknown) => void, reject })
        child.send({ id, what, ...details })
      })
    },
    kill: (signal) => void (alive() && child.kill(signal)),
    exit,
    get alive() {
      return alive()
    },
  }
}

/**
 * Gives the processes that represent other machines, clients and balancers, priority over the nodes where all share one
 * machine: a client that waits for the processor would look like a network that delivers in bursts. Raising a priority
 * needs the rights to do so; without them all processes are equal.
 */
export function prefer(pid: number) {
  try {
    setPriority(pid, -4)
  } catch {
    // Without the rights the measurement is only coarser.
  }
}

/** The other side: the setup of this process, and its answers. */
export function serveProgram<Setup>(answers: (setup: Setup) => Record<string, (details: never) => unknown>): void {
  const table = { profile: createProfile(), ...answers(JSON.parse(process.argv[2]!) as Setup) } as Record<
    string,
    (details: never) => unknown
  >
  // The parent process has ended: nobody will ask anything.
  process.on('disconnect', () => process.exit(1))
  process.on('message', ({ id, what, ...details }: { id: number; what: string }) => {
    const reply = (message: Reply) => void (process.connected && process.send!(message))
    Promise.resolve()
      .then(() => table[what]!(details as never))
      .then(
        (answer) => reply({ id, answer }),
        (error: unknown) => reply({ id, error: String(error instanceof Error ? error.stack : error) }),
      )
  })
}

/** Records a CPU profile of this process from one call until the next, which names the file. */
function createProfile() {
  let session: Session | null = null
  return async ({ file }: { file?: string }) => {
    if (!session) {
      session = new Session()
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.start')
      return
    }
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    session = null
    if (file !== undefined) await writeFile(file, JSON.stringify(profile))
  }
}
