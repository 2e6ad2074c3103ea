import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createLiveSocket, LiveSocketError } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { keyOf } from '../../build/brief-texts.js'
import { explained } from '../../src/cli/explain.js'
import { ROOT } from '../kit/source-files.js'

const url = 'wss://example.test/live'

function thrownBy(act: () => unknown): LiveSocketError {
  try {
    act()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(LiveSocketError)
    return thrown as LiveSocketError
  }
  throw new Error('It threw nothing.')
}

it('an error in production has its code and a key with values, from which its sentence can be restored', () => {
  const error = thrownBy(() => createLiveSocket({ url, connectTimeout: -5 }))
  expect(error.code).toBe('invalid')
  expect(error.message).toMatch(/^invalid connectTimeout must be #\w{3}\(1, \d+\); it was -5\.$/)
  const text = 'a number of milliseconds from {} to {}'
  expect(explained(error.message, { [keyOf(text)]: text })).toBe(
    'invalid connectTimeout must be a number of milliseconds from 1 to 34560000000; it was -5.',
  )
})

it("the README's example of a key is valid, and is the error of a full outbox", () => {
  const [, example] = /livesocket explain '([^']+)'/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!
  const socket = createLiveSocket({ url, outbox: { maxMessages: 1_000 } })
  let last: Promise<unknown> = Promise.resolve()
  for (let at = 0; at <= 1_000; at++) (last = socket.publish('a', at)).catch(() => {})
  return expect(last).rejects.toThrow(example)
})

it('a refused publish in production has its code, also at the start of its message', async () => {
  const socket = createLiveSocket({ url })
  socket.close()
  await expect(socket.publish('a', 1)).rejects.toMatchObject({
    code: 'closed',
    message: expect.stringMatching(/^closed /),
  })
})

it('the server’s text for a refusal is the message, word for word, so that a page can show it', async () => {
  const refuse = { code: 'taken', message: 'This name is taken.' }
  const sim = createSimulation({
    onPublish: () => ({ refuse }),
    onRequest: () => ({ refuse }),
    authorize: (topic) => topic !== 'secret',
  })
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
  const told: LiveSocketError[] = []
  const tell = (error: LiveSocketError) => void told.push(error)
  socket.publish('room', 1).catch(tell)
  socket.request('rename').catch(tell)
  socket.subscribe('secret', () => {}, { onError: (error) => tell(error as LiveSocketError) })
  socket.connect()
  await sim.advance(1_000)
  socket.close()
  expect(told.map(({ code, reason, message }) => [code, reason, message]).sort()).toEqual([
    ['forbidden', 'forbidden', 'this topic is not for this client'],
    ['refused', 'taken', 'This name is taken.'],
    ['refused', 'taken', 'This name is taken.'],
  ])
})

it('no key is used for two texts in any entry', () => {
  expect(keyOf('a number of milliseconds from {} to {}')).toMatch(/^\w{3}$/)
  expect(keyOf('one')).not.toBe(keyOf('two'))
})
