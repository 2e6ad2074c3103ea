import { expect, it } from 'vitest'
import { NEEDS } from './programs.js'
import { listFiles } from './source-files.js'

it('what is left out where a program is missing are tests that there are', () => {
  const tests = listFiles('test', /\.test\.tsx?$/).map((path) => `test/${path}`)
  const nobodys = Object.keys(NEEDS).filter((pattern) => {
    const [head = '', tail = ''] = pattern.split('*')
    return !tests.some((path) => path.startsWith(head) && path.endsWith(tail))
  })
  expect(nobodys).toEqual([])
})
