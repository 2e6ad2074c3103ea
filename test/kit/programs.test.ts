import { expect, it } from 'vitest'
import { NEEDS } from './programs.js'
import { listFiles } from './source-files.js'

it('every test that is skipped where a program is missing exists', () => {
  const tests = listFiles('test', /\.test\.tsx?$/).map((path) => `test/${path}`)
  const nobodys = Object.keys(NEEDS).filter((pattern) => {
    const [head = '', tail = ''] = pattern.split('*')
    return !tests.some((path) => path.startsWith(head) && path.endsWith(tail))
  })
  expect(nobodys).toEqual([])
})
