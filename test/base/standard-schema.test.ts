import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkData } from '../../src/base/standard-schema.js'

test('data becomes the output of its schema, and stays as it is without one', () => {
  expect(checkData(z.string().trim(), ' a ')).toEqual({ value: 'a' })
  expect(checkData(undefined, ' a ')).toEqual({ value: ' a ' })
})

test('invalid data is reported by its path, and never quoted', () => {
  const checked = checkData(z.object({ user: z.object({ age: z.number() }) }), { user: { age: 'a secret' } })
  expect(checked).toMatchObject({ invalid: expect.stringContaining('user.age: ') })
  expect(JSON.stringify(checked)).not.toContain('secret')
})

test('a schema that throws or is asynchronous is reported, and throws nothing', () => {
  const schema = (validate: () => unknown) => ({ '~standard': { version: 1, vendor: 't', validate } }) as never
  const thrown = new Error('boom')
  const throws = () => {
    throw thrown
  }
  expect(checkData(schema(throws), 1)).toEqual({ invalid: 'the schema threw a Error', cause: thrown })
  expect(
    checkData(
      schema(() => Promise.reject(thrown)),
      1,
    ),
  ).toMatchObject({
    invalid: expect.stringContaining('asynchronous'),
  })
  expect(
    checkData(
      schema(() => null),
      1,
    ),
  ).toMatchObject({ invalid: expect.stringContaining('no Standard Schema') })
})
