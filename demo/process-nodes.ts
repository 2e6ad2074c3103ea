import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { DrainPlan, StartNode } from '../test/kit/cluster.js'
import type { TokenUser } from '../test/kit/token-service.js'

export type ToNode =
  | { readonly type: 'verified'; readonly ask: number; readonly user: TokenUser | null }
  | { readonly type: 'logout'; readonly login: string }
  | { readonly type: 'drain'; readonly plan: DrainPlan }
  | { readonly type: 'close' }

export type FromNode =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'verify'; readonly ask: number; readonly token: string | undefined }
  | { readonly type: 'drained'; readonly moved: number; readonly forced: number }

/** Nodes that run in their own processes and share a real Redis. A crash is a `kill -9`. */
export function processNodes(redis: string): StartNode {
  return async (id, tokens, allowedOrigins) => {
    const file = fileURLToPath(new URL('node-process.ts', import.meta.url))
    const child = fork(file, [JSON.stringify({ id, redis, allowedOrigins })], { execArgv: ['--import', 'tsx'] })
    const exit = once(child, 'exit')
    const say = (message: ToNode) => void (child.connected && child.send(message))
    const forget = tokens.onLogout((login) => say({ type: 'logout', login }))
    let drained: (result: { moved: number; forced: number }) => void = () => {}
    const port = await new Promise<number>((resolve, reject) => {
      child.on('message', (message: FromNode) => {
        if (message.type === 'ready') resolve(message.port)
        else if (message.type === 'drained') drained(message)
        else void tokens.verify(message.token).then((user) => say({ type: 'verified', ask: message.ask, user }))
      })
      void exit.then(([code]) => reject(new Error(`${id} ended with ${String(code)}`)))
    })
    const gone = async () => {
      forget()
      await exit
    }
    return {
      id,
      port,
      drain: (plan) =>
        new Promise((resolve) => {
          drained = ({ moved, forced }) => resolve({ moved, forced })
          // The node was killed meanwhile, so the drain has handed nobody over.
          void exit.then(() => resolve({ moved: 0, forced: 0 }))
          say({ type: 'drain', plan })
        }),
      lose() {
        child.kill('SIGKILL')
        return gone()
      },
      close() {
        say({ type: 'close' })
        return gone()
      },
    }
  }
}
