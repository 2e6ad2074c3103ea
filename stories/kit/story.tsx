import type { StoryObj } from '@storybook/react-vite'
import type { ReactElement } from 'react'
import { userEvent, within } from 'storybook/test'

/** The arguments of a story: whether the simulation follows real time. For pictures it stands still. */
export interface StoryArgs {
  playing: boolean
}

/** What a play function can use. */
export interface Played<World> {
  readonly world: World
  readonly canvasElement: HTMLElement
  readonly canvas: ReturnType<typeof within>
  /** Presses a button as a user without a mouse does: Tab to the button (within `region`, if given), then Enter. */
  press(name: string, region?: string): Promise<void>
}

/** A story with a world of its own, which is created when the story is opened. */
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

/** More Tab stops than any page has. */
const STOPS = 60

async function tabTo(element: HTMLElement) {
  for (let stops = 0; document.activeElement !== element; stops++) {
    if (stops === STOPS) throw new Error(`Tab does not lead to “${element.textContent}”.`)
    await userEvent.tab()
  }
}
