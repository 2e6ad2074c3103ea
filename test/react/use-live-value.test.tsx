// @vitest-environment happy-dom
import { LiveSocketProvider, useLiveValue } from 'livesocket/react'
import { expect, it } from 'vitest'
import { createStage } from './stage.js'

// A `from` of undefined counts as absent.
const Price = () => <output>{String(useLiveValue('price', { from: undefined }))}</output>

it('shows the newest stored value at once, to the first component and to later ones, and then each newer value', async () => {
  const stage = createStage()
  for (const price of [1, 2, 3]) stage.simulation.publish('price', price)
  const App = ({ second }: { second: boolean }) => (
    <LiveSocketProvider options={stage.options}>
      <Price />
      {second && <Price />}
    </LiveSocketProvider>
  )
  const { container, rerender } = stage.renderStrictly(<App second={false} />)
  await stage.advance(100)
  expect(container.textContent).toBe('3')
  rerender(<App second />)
  await stage.advance(100)
  expect(container.textContent).toBe('33')
  await stage.publish('price', 4)
  expect(container.textContent).toBe('44')
})
