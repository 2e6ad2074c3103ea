import { expect, test } from 'vitest'
import * as own from '../../src/protocol/own-methods.js'

test('every method of the library has a reserved name, so that no application handler can take its place', () => {
  const { OWN_METHOD, ...methods } = own
  for (const method of Object.values(methods)) expect(method.startsWith(OWN_METHOD)).toBe(true)
})
