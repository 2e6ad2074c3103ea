/** Something that an application imports, whose size is measured alone. */
export interface Entry {
  readonly name: string
  /** A subpath of the package's `exports`. Every subpath that a page can load has an entry here. */
  readonly subpath: string
  readonly code: string
  /** The name of another entry. Only what this entry adds to that one is counted. */
  readonly over?: string
}

const CORE = 'createLiveSocket'

export const ENTRIES: readonly Entry[] = [
  { name: CORE, subpath: '.', code: "export { createLiveSocket } from 'livesocket'" },
  {
    name: 'core: without getToken, fold, stream, schemas, requests, signals',
    subpath: './core',
    code: "export { createLiveSocket } from 'livesocket/core'",
  },
  {
    name: 'core with tokens',
    subpath: './core',
    code: "export { createLiveSocket, tokens } from 'livesocket/core'",
  },
  { name: 'all of livesocket', subpath: '.', code: "export * from 'livesocket'" },
  {
    // All hooks but usePresence, which brings presence with it.
    name: 'React hooks, over the core',
    subpath: './react',
    code: "export { createLiveHooks, LiveSocketProvider } from 'livesocket/react'",
    over: CORE,
  },
  {
    name: 'usePresence, over the core',
    subpath: './react',
    code: "export { usePresence } from 'livesocket/react'",
    over: CORE,
  },
  { name: 'LiveWebSocket', subpath: './vanilla', code: "export { LiveWebSocket } from 'livesocket/vanilla'" },
  {
    name: 'CoreWebSocket: without getToken',
    subpath: './vanilla',
    code: "export { CoreWebSocket } from 'livesocket/vanilla'",
  },
  { name: 'bind, over the core', subpath: './vanilla', code: "export { bind } from 'livesocket/vanilla'", over: CORE },
  { name: 'history, over the core', subpath: './history', code: "export * from 'livesocket/history'", over: CORE },
  { name: 'presence, over the core', subpath: './presence', code: "export * from 'livesocket/presence'", over: CORE },
  { name: 'query, over the core', subpath: './query', code: "export * from 'livesocket/query'", over: CORE },
  {
    name: 'spans, over the core and @opentelemetry/api',
    subpath: './opentelemetry',
    code: "export * from 'livesocket/opentelemetry'",
    over: CORE,
  },
  { name: 'all presets', subpath: './presets', code: "export * from 'livesocket/presets'" },
  { name: 'devtools in plain JS', subpath: './devtools/plain', code: "export * from 'livesocket/devtools/plain'" },
  { name: 'devtools for React', subpath: './devtools', code: "export * from 'livesocket/devtools'" },
]

/** Subpaths that no page loads. */
export const ELSEWHERE = ['./server', './server/redis', './server/opentelemetry', './testing', './package.json']

export interface PeerEntry {
  readonly name: string
  readonly code: string
}

export const PEER_ENTRIES: readonly PeerEntry[] = [
  { name: 'reconnecting-websocket', code: "export { default } from 'reconnecting-websocket'" },
  { name: 'partysocket', code: "export { default } from 'partysocket/ws'" },
  { name: 'phoenix', code: "export { Socket } from 'phoenix'" },
  { name: 'graphql-ws', code: "export { createClient } from 'graphql-ws'" },
  { name: '@trpc/client', code: "export { createTRPCClient, createWSClient, wsLink } from '@trpc/client'" },
  { name: 'socket.io-client', code: "export { io } from 'socket.io-client'" },
  { name: '@microsoft/signalr', code: "export { HubConnectionBuilder } from '@microsoft/signalr'" },
  { name: 'centrifuge', code: "export { Centrifuge } from 'centrifuge'" },
]

/** The single file for a script tag, made by the build. */
export const SCRIPT = { name: 'the script tag’s one file', file: 'dist/livesocket.global.js' } as const
