import { afterEach as checkAccessibility } from '@storybook/addon-a11y/preview'
import type { Preview } from '@storybook/react-vite'
import type { Simulation } from 'livesocket/testing'
import { useEffect } from 'react'
import '@fontsource-variable/inter'
import '../stories/kit/tokens.css'
import '../stories/kit/pieces.css'
import { release } from '../stories/kit/release.js'

const page = document.documentElement

/** The add-on checks the story in its own theme; this checks it in the other theme too. */
async function checkOtherTheme(story: Parameters<typeof checkAccessibility>[0]) {
  const own = page.style.colorScheme
  const dark = own === 'dark' || (own === '' && matchMedia('(prefers-color-scheme: dark)').matches)
  const other = dark ? 'light' : 'dark'
  page.style.colorScheme = other
  try {
    await checkAccessibility(story)
  } catch (found) {
    throw new Error(`In the ${other} theme: ${(found as Error).message}`, { cause: found })
  } finally {
    page.style.colorScheme = own
  }
}

const preview: Preview = {
  parameters: {
    layout: 'fullscreen',
    controls: { disable: true },
    // A violation fails the story's test.
    a11y: { test: 'error' },
    options: {
      storySort: {
        order: [
          'LiveSocket',
          ['A rolling deploy', 'Crash and recovery', 'Flaky network', 'Tokens and session end', 'Two tabs'],
          'React',
          'Operations',
          'Kit',
        ],
      },
    },
  },
  globalTypes: {
    theme: {
      description: 'Light or dark',
      toolbar: { title: 'Theme', icon: 'contrast', items: ['system', 'light', 'dark'], dynamicTitle: true },
    },
  },
  async afterEach(story) {
    if (import.meta.env['BOTH_THEMES']) await checkOtherTheme(story)
    const world = story.loaded['world'] as { sim?: Simulation } | undefined
    if (world?.sim) release(world.sim)
    // stories/kit/pictures.ts waits for this attribute.
    page.dataset['played'] = 'yes'
  },
  initialGlobals: { theme: 'system' },
  decorators: [
    (Story, { globals }) => {
      const theme = globals['theme'] as string
      useEffect(() => void (page.style.colorScheme = theme === 'system' ? '' : theme), [theme])
      return <Story />
    },
  ],
}
export default preview
