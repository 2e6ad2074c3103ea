// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { useState } from 'react'
import { expect, it } from 'vitest'
import { act } from './react-act.js'

function Counter() {
  const [count, setCount] = useState(0)
  return <button onClick={() => setCount(count + 1)}>{count}</button>
}

it.fails('a test whose act() never ends fails', { timeout: 20 }, async () => {
  render(<Counter />)
  await act(() => new Promise(() => undefined))
})

it('tests after it still render', async () => {
  const { container } = render(<Counter />)
  expect(container.textContent).toBe('0')
  await act(async () => container.querySelector('button')!.click())
  expect(container.textContent).toBe('1')
})

it('each test begins with an empty page', () => {
  expect(document.body.textContent).toBe('')
})
