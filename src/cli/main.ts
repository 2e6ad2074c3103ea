#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { command } from './command.js'
import type { WireSocketClass } from './wire.js'

const found = await import('ws').then(
  ({ WebSocket }) => WebSocket as unknown as WireSocketClass,
  () => (globalThis as { WebSocket?: unknown }).WebSocket as WireSocketClass | undefined,
)

process.exitCode = await command(process.argv.slice(2), {
  WebSocket: found,
  environment: process.env,
  print: (line) => console.log(line),
  shell: (line, deadline) =>
    new Promise((resolve) => {
      const child = spawn(line, { shell: true, stdio: 'inherit', env: { ...process.env, LIVESOCKET_DEADLINE: String(deadline) } })
      child.on('error', (error) => console.error(error.message))
      child.on('close', () => resolve())
    }),
})
// Connections that are still closing keep nobody waiting.
process.exit()
