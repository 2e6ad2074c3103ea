import type { StoryObj } from '@storybook/react-vite'
import type { ReactElement } from 'react'
import { userEvent, within } from 'storybook/test'

/** What a story is given: whether the simulation follows real time. Pictures are taken with it standing still. */
export interface StoryArgs {
  playing: boolean
}

/** What a play function has in its hands. */
export interface Played<World> {
  readonly world: World
  readonly canvasElement: HTMLElement
  readonly canvas: ReturnType<typeof within>
  /** As a reader without a mouse does it: by Tab to the button, of that region perhaps, and Enter. */
  press(name: string, region?: string): Promise<void>
}

/** A story that plays in a world of its own, made when it is opened. */
export function storyIn<World>(
  createWorld: () => World,
  show: (world: World, args: StoryArgs) => ReactElement,
  play: (played: Played<World>) => Promise<void>,
): StoryObj<StoryArgs> {
  return {
    loaders: [() => ({ world: createWorld() })],
    render: (args, { loaded }) => show(loaded['world'] as World, args),
    play: ({ canvasElement, loaded }) => {
      const canvas = within(canvasElement)
      return play({
        world: loaded['world'] as World,
        canvasElement,
        canvas,
        async press(name, region) {
          const place = region === undefined ? canvas : within(canvas.getByRole('region', { name: region }))
          await tabTo(await place.findByRole('button', { name }))
          await userEvent.keyboard('{Enter}')
        },
      })
    },
  }
}

/** More than there are on any page. */
const STOPS = 60

async function tabTo(element: HTMLElement) {
  for (let stops = 0; document.activeElement !== element; stops++) {
    if (stops === STOPS) throw new Error(`Tab does not lead to “${element.textContent}”.`)
    await userEvent.tab()
  }
}
