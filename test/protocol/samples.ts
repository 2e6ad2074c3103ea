import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.js'

/** How a field is checked. The invalid values of a field follow from its kind. */
export type Kind =
  | 'id'
  | 'epoch'
  | 'topic'
  | 'token'
  | 'words'
  | 'url'
  | 'from 1'
  | 'from 0'
  | 'duration'
  | 'answers'
  | 'requests'
  | 'names'
  | 'data'

export interface FieldRule {
  readonly kind: Kind
  readonly optional?: true
}

type Wire = Readonly<Record<string, unknown>>

/** One valid frame of each type in its wire form, with every field, and the rule of each field. */
export interface Sample<Frame> {
  readonly wire: Wire
  readonly frame: Frame
  readonly rules: Readonly<Record<string, FieldRule>>
}

const optional = (kind: Kind): FieldRule => ({ kind, optional: true })
const needed = (kind: Kind): FieldRule => ({ kind })

export const clientSamples: readonly Sample<ClientFrame>[] = [
  {
    wire: {
      type: 'hello',
      session: 's-1',
      leg: 2,
      token: 'canary',
      topics: { a: {}, b: { epoch: 'e', offset: 0 }, c: { last: 50 } },
      handover: 'h-1',
      timeout: 20_000,
    },
    frame: {
      type: 'hello',
      session: 's-1',
      leg: 2,
      token: 'canary',
      handover: 'h-1',
      timeout: 20_000,
      topics: new Map([
        ['a', null],
        ['b', { epoch: 'e', offset: 0 }],
        ['c', { last: 50 }],
      ]),
    },
    rules: {
      session: needed('id'),
      leg: needed('from 1'),
      token: optional('token'),
      topics: needed('requests'),
      handover: optional('id'),
      timeout: optional('duration'),
    },
  },
  {
    wire: { type: 'subscribe', id: 'q-1', topics: { a: {} } },
    frame: { type: 'subscribe', id: 'q-1', topics: new Map([['a', null]]) },
    rules: { id: needed('id'), topics: needed('requests') },
  },
  {
    wire: { type: 'unsubscribe', topics: ['a', '__proto__'] },
    frame: { type: 'unsubscribe', topics: ['a', '__proto__'] },
    rules: { topics: needed('names') },
  },
  {
    wire: { type: 'publish', id: 'p-1', topic: 'a', n: 3, data: { canary: true }, age: 5 },
    frame: { type: 'publish', id: 'p-1', topic: 'a', n: 3, data: { canary: true }, age: 5 },
    rules: {
      id: needed('id'),
      topic: needed('topic'),
      n: optional('from 1'),
      data: needed('data'),
      age: optional('duration'),
    },
  },
  {
    wire: { type: 'request', id: 'r-1', method: 'rename', data: { canary: true } },
    frame: { type: 'request', id: 'r-1', method: 'rename', data: { canary: true } },
    rules: { id: needed('id'), method: needed('id'), data: optional('data') },
  },
  {
    wire: { type: 'signal', id: 's-1', topic: 'a', data: { canary: true } },
    frame: { type: 'signal', id: 's-1', topic: 'a', data: { canary: true } },
    rules: { id: needed('id'), topic: needed('topic'), data: needed('data') },
  },
  {
    wire: { type: 'cancel', id: 'r-1' },
    frame: { type: 'cancel', id: 'r-1' },
    rules: { id: needed('id') },
  },
  {
    wire: { type: 'delayed', id: 'h-1', retryAfter: 5 },
    frame: { type: 'delayed', id: 'h-1', retryAfter: 5 },
    rules: { id: needed('id'), retryAfter: optional('duration') },
  },
  {
    wire: { type: 'auth', token: 'canary' },
    frame: { type: 'auth', token: 'canary' },
    rules: { token: needed('token') },
  },
  { wire: { type: 'ping' }, frame: { type: 'ping' }, rules: {} },
]

export const serverSamples: readonly Sample<ServerFrame>[] = [
  {
    wire: {
      type: 'welcome',
      server: 'n-1',
      topics: { a: { epoch: 'e', offset: 7, after: 3 } },
      heartbeat: 10_000,
      tokenTtl: 600_000,
      maxFrame: 65_536,
      reconnectSpread: 30_000,
    },
    frame: {
      type: 'welcome',
      server: 'n-1',
      topics: new Map([['a', { epoch: 'e', offset: 7, after: 3 }]]),
      heartbeat: 10_000,
      tokenTtl: 600_000,
      maxFrame: 65_536,
      reconnectSpread: 30_000,
    },
    rules: {
      server: needed('id'),
      topics: needed('answers'),
      heartbeat: optional('duration'),
      tokenTtl: optional('duration'),
      maxFrame: optional('from 1'),
      reconnectSpread: optional('duration'),
    },
  },
  {
    wire: { type: 'subscribed', id: 'q-1', topics: { a: { epoch: 'e', offset: 0, after: 0 } } },
    frame: { type: 'subscribed', id: 'q-1', topics: new Map([['a', { epoch: 'e', offset: 0, after: 0 }]]) },
    rules: { id: optional('id'), topics: needed('answers') },
  },
  {
    wire: { type: 'message', topic: 'a', offset: 9, prev: 4, data: 'canary', id: 'p-1', by: 'ann' },
    frame: { type: 'message', topic: 'a', offset: 9, prev: 4, data: 'canary', hasData: true, id: 'p-1', by: 'ann' },
    rules: {
      topic: needed('topic'),
      offset: needed('from 1'),
      prev: optional('from 0'),
      data: optional('data'),
      id: optional('id'),
      by: optional('data'),
    },
  },
  {
    wire: { type: 'signal', id: 's-1', topic: 'a', data: 'canary', by: 'ann' },
    frame: { type: 'signal', id: 's-1', topic: 'a', data: 'canary', by: 'ann' },
    rules: { id: needed('id'), topic: needed('topic'), data: needed('data'), by: optional('data') },
  },
  {
    wire: { type: 'ack', id: 'p-1', offset: 3, epoch: 'e', data: null },
    frame: { type: 'ack', id: 'p-1', offset: 3, epoch: 'e', data: null },
    rules: { id: needed('id'), offset: optional('from 1'), epoch: optional('epoch'), data: optional('data') },
  },
  {
    wire: { type: 'nack', id: 'p-1', code: 'rate', message: '', data: { left: 0 }, retryAfter: 0 },
    frame: { type: 'nack', id: 'p-1', code: 'rate', message: '', data: { left: 0 }, retryAfter: 0 },
    rules: {
      id: needed('id'),
      code: needed('id'),
      message: needed('words'),
      data: optional('data'),
      retryAfter: optional('duration'),
    },
  },
  {
    wire: { type: 'authed', tokenTtl: 1 },
    frame: { type: 'authed', tokenTtl: 1 },
    rules: { tokenTtl: optional('duration') },
  },
  {
    wire: { type: 'token', token: 'canary', tokenTtl: 1 },
    frame: { type: 'token', token: 'canary', tokenTtl: 1 },
    rules: { token: needed('token'), tokenTtl: optional('duration') },
  },
  {
    wire: { type: 'handover', id: 'h-1', reason: 'deploy', url: 'wss://b.example/live', spread: 0, deadline: 30_000 },
    frame: { type: 'handover', id: 'h-1', reason: 'deploy', url: 'wss://b.example/live', spread: 0, deadline: 30_000 },
    rules: {
      id: needed('id'),
      reason: needed('words'),
      url: optional('url'),
      spread: optional('duration'),
      deadline: needed('duration'),
    },
  },
  {
    wire: { type: 'handover-cancelled', id: 'h-1' },
    frame: { type: 'handover-cancelled', id: 'h-1' },
    rules: { id: needed('id') },
  },
  {
    wire: { type: 'error', code: 'busy', message: 'later', topic: 'a', id: 'q-1', retryAfter: 10, spread: 20 },
    frame: { type: 'error', code: 'busy', message: 'later', topic: 'a', id: 'q-1', retryAfter: 10, spread: 20 },
    rules: {
      code: needed('id'),
      message: needed('words'),
      topic: optional('topic'),
      id: optional('id'),
      retryAfter: optional('duration'),
      spread: optional('duration'),
    },
  },
  {
    wire: { type: 'pong', reconnectSpread: 2_000 },
    frame: { type: 'pong', reconnectSpread: 2_000 },
    rules: { reconnectSpread: optional('duration') },
  },
]
