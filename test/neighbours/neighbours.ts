import 'reflect-metadata'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import websocketPlugin from '@fastify/websocket'
import { serve } from '@hono/node-server'
import { createNodeWebSocket } from '@hono/node-ws'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import express5 from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { WebSocketServer } from 'ws'

export interface Running {
  readonly port: number
  close(): Promise<unknown>
}

/**
 * Something else that serves WebSockets at `/other` and answers every text there with `other: TEXT`, and HTTP at
 * `/hello` and `/echo` (what it was sent).
 * `mount` puts a live server on its HTTP server, before it puts itself there or after.
 */
export type Neighbour = (mount: (http: Server) => void, order: 'first' | 'second') => Promise<Running>

const other = (text: unknown) => `other: ${String(text)}`

async function listen(http: Server, close: () => Promise<unknown> = async () => undefined): Promise<Running> {
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    async close() {
      http.closeAllConnections()
      http.close()
      await close()
    },
  }
}

/** In that order. */
async function both(order: 'first' | 'second', mount: () => void, self: () => unknown) {
  if (order === 'first') mount()
  await self()
  if (order === 'second') mount()
}

function plainWs(http: Server) {
  const sockets = new WebSocketServer({ server: http, path: '/other' })
  sockets.on('connection', (ws) => ws.on('message', (text) => ws.send(other(text))))
  return sockets
}

function onExpress(express: () => ReturnType<typeof express5>): Neighbour {
  return async (mount, order) => {
    const app = express()
    app.get('/hello', (_request, response) => void response.send('hello'))
    app.post('/echo', (request, response) => void request.pipe(response))
    const http = createServer(app)
    await both(
      order,
      () => mount(http),
      () => plainWs(http),
    )
    return listen(http)
  }
}

const { default: express4 } = (await import('express4' as string)) as { default: () => ReturnType<typeof express5> }

export const NEIGHBOURS: Record<string, Neighbour> = {
  ws: async (mount, order) => {
    const http = createServer((request, response) => {
      if (request.url === '/hello') response.end('hello')
      else if (request.url === '/echo') request.pipe(response)
      else response.writeHead(404).end()
    })
    await both(
      order,
      () => mount(http),
      () => plainWs(http),
    )
    return listen(http)
  },

  'a listener that answers its own path alone': async (mount, order) => {
    const http = createServer((request, response) => {
      if (request.url === '/hello') response.end('hello')
      else if (request.url === '/echo') request.pipe(response)
      else response.writeHead(404).end()
    })
    const sockets = new WebSocketServer({ noServer: true })
    const self = () =>
      http.on('upgrade', (request, stream, head) => {
        if (request.url === '/other')
          sockets.handleUpgrade(request, stream, head, (ws) => ws.on('message', (text) => ws.send(other(text))))
      })
    await both(order, () => mount(http), self)
    return listen(http)
  },

  'Express 4 and ws': onExpress(express4),
  'Express 5 and ws': onExpress(express5),

  Fastify: async (mount, order) => {
    const app = fastify()
    app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body))
    const self = async () => {
      await app.register(websocketPlugin)
      app.get('/other', { websocket: true }, (ws) => void ws.on('message', (text) => ws.send(other(text))))
      app.get('/hello', async () => 'hello')
      app.post('/echo', async (request, reply) => reply.send(request.body))
    }
    await both(order, () => mount(app.server), self)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return {
      port: (app.server.address() as AddressInfo).port,
      close: () => (app.server.closeAllConnections(), app.close()),
    }
  },

  Hono: async (mount, order) => {
    const app = new Hono()
    const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app })
    app.get(
      '/other',
      upgradeWebSocket(() => ({ onMessage: ({ data }, ws) => ws.send(other(data)) })),
    )
    app.get('/hello', (context) => context.text('hello'))
    app.post('/echo', async (context) => context.body(await context.req.arrayBuffer()))
    const http = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    await both(
      order,
      () => mount(http),
      () => injectWebSocket(http),
    )
    await new Promise<void>((resolve) => (http.listening ? resolve() : void http.once('listening', resolve)))
    return { port: (http.address() as AddressInfo).port, close: async () => (http.closeAllConnections(), http.close()) }
  },

  Nest: async (mount, order) => {
    class Gateway {
      say(_socket: unknown, text: string) {
        return { event: 'said', data: other(text) }
      }
    }
    // As the compiler writes decorators.
    WebSocketGateway({ path: '/other' })(Gateway)
    SubscribeMessage('say')(Gateway.prototype, 'say', Object.getOwnPropertyDescriptor(Gateway.prototype, 'say')!)
    class Application {}
    Module({ providers: [Gateway] })(Application)
    const app = await NestFactory.create(Application, { logger: false })
    const http = app.getHttpServer() as Server
    app.useWebSocketAdapter(new WsAdapter(app))
    app.use('/hello', (_request: unknown, response: { end(text: string): void }) => response.end('hello'))
    app.use('/echo', (request: NodeJS.ReadableStream, response: NodeJS.WritableStream) => request.pipe(response))
    // Nest's own parsers would read the body first.
    await both(
      order,
      () => mount(http),
      () => app.init(),
    )
    return listen(http, () => app.close())
  },
}

/** What Nest's adapter puts around every message. */
export const SAID: Record<string, (text: string) => { ask: string; answer: string }> = {
  Nest: (text) => ({
    ask: JSON.stringify({ event: 'say', data: text }),
    answer: JSON.stringify({ event: 'said', data: other(text) }),
  }),
}
export const said = (name: string, text: string) => SAID[name]?.(text) ?? { ask: text, answer: other(text) }
