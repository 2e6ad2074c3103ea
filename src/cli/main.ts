#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'
import { programClient } from './program-client.js'
import type { SocketServer } from './client-stage.js'
import type { Texts } from './explain.js'
import type { FrameSocketClass } from './frame-client.js'

const found = await import('ws').then(
  ({ WebSocket }) => WebSocket as unknown as FrameSocketClass,
  () => (globalThis as { WebSocket?: unknown }).WebSocket as FrameSocketClass | undefined,
)

const Server = await import('ws').then(
  ({ WebSocketServer }) => WebSocketServer,
  () => null,
)

/** The root of the package. The build would take a `new URL(…)` for a file to bundle. */
const root = join(import.meta.dirname, '../..')

process.exitCode = await command(process.argv.slice(2), {
  WebSocket: found,
  environment: process.env,
  example: {
    template: join(root, 'examples/chat'),
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
  },
  texts: () => JSON.parse(readFileSync(new URL('../production/texts.json', import.meta.url), 'utf8')) as Texts,
  ...(Server && {
    clients: {
      start: programClient,
      async serve() {
        const server = new Server({ port: 0, host: '127.0.0.1' })
        await once(server, 'listening')
        return server as unknown as SocketServer
      },
    },
  }),
  print: (line) => console.log(line),
  shell: (line, variables) =>
    new Promise((resolve, reject) => {
      const child = spawn(line, { shell: true, stdio: 'inherit', env: { ...process.env, ...variables } })
      child.on('error', reject)
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`it ended with ${code ?? 'a signal'}`))))
    }),
})
// Connections that are still closing do not delay the end. Output is flushed first, because a pipe may be slow.
process.stdout.write('', () => process.exit())
