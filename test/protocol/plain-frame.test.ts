import { expect, test } from 'vitest'
import type { Rejected, ServerFrame } from '../../src/protocol/frames.js'
import { plainFrame } from '../../src/protocol/plain-frame.js'

const plain = (text: string) => text.replaceAll('secret', '…')

test.each<[string, ServerFrame | Rejected, ServerFrame | Rejected]>([
  [
    'an error',
    { type: 'error', code: 'secret', message: 'a secret thing', topic: 't' },
    { type: 'error', code: '…', message: 'a … thing', topic: 't' },
  ],
  ['the refusal of a frame', { invalid: 'no secret', topic: 'secret' }, { invalid: 'no …', topic: '…' }],
  [
    'a redirect',
    { type: 'handover', id: '1', reason: 'secret', url: 'wss://secret', deadline: 5 },
    { type: 'handover', id: '1', reason: '…', url: 'wss://…', deadline: 5 },
  ],
  [
    'the epochs of topics, whose names are the application’s',
    { type: 'subscribed', topics: new Map([['secret', { epoch: 'secret', offset: 1, after: 0 }]]) },
    { type: 'subscribed', topics: new Map([['secret', { epoch: '…', offset: 1, after: 0 }]]) },
  ],
])('secrets are removed from %s', (_, frame, expected) => {
  expect(plainFrame(frame, plain)).toEqual(expected)
})

test.each<[string, ServerFrame]>([
  ['messages', { type: 'message', topic: 'secret', offset: 1, prev: 0, data: 'secret', hasData: true }],
  ['answers', { type: 'ack', id: 'p', data: 'secret' }],
  ['a token frame', { type: 'token', token: 'secret' }],
])('%s: left as they are', (_, frame) => {
  expect(plainFrame(frame, plain)).toEqual(frame)
})
