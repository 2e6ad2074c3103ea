import { expect, it } from 'vitest'
import { createLiveSocket, LiveSocketError } from 'livesocket'
import { keyOf } from '../../build/brief-texts.js'
import { explained } from '../../src/cli/explain.js'

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

it('an error in production has its code and a key with its values, of which its sentence is made again', () => {
  const error = thrownBy(() => createLiveSocket({ url, connectTimeout: -5 }))
  expect(error.code).toBe('invalid')
  expect(error.message).toMatch(/^invalid connectTimeout must be #\w{4}\(1, \d+\); it was -5\.$/)
  const text = 'a number of milliseconds from {} to {}'
  expect(explained(error.message, { [keyOf(text)]: text })).toBe(
    'invalid connectTimeout must be a number of milliseconds from 1 to 34560000000; it was -5.',
  )
})

it('a publish that is refused in production says which, and by what code', async () => {
  const socket = createLiveSocket({ url })
  socket.close()
  await expect(socket.publish('a', 1)).rejects.toMatchObject({
    code: 'closed',
    message: expect.stringMatching(/^closed /),
  })
})

it('no key is used for two texts, whichever page it is in', () => {
  expect(keyOf('a number of milliseconds from {} to {}')).toMatch(/^\w{4}$/)
  expect(keyOf('one')).not.toBe(keyOf('two'))
})
