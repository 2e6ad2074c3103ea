import { pathToFileURL } from 'node:url'
import { WebSocket } from 'ws'

/**
 * Runs a sample of the docs as a page of this origin would: `page-runner FILE ORIGIN`. Node 20 has no WebSocket, and no
 * page.
 */
const [, , file, origin] = process.argv
globalThis.WebSocket = class extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols, { origin })
  }
} as unknown as typeof globalThis.WebSocket
await import(pathToFileURL(file!).href)
