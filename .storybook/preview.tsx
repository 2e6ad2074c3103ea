import type { Preview } from '@storybook/react-vite'
import type { Simulation } from 'livesocket/testing'
import { useEffect } from 'react'
import '@fontsource-variable/inter'
import '../stories/kit/tokens.css'
import '../stories/kit/pieces.css'
import { release } from '../stories/kit/pace.js'

const preview: Preview = {
  parameters: {
    layout: 'fullscreen',
    controls: { disable: true },
    // A violation fails the story's test.
    a11y: { test: 'error' },
    options: { storySort: { order: ['LiveSocket', ['A rolling deploy', 'Crash and recovery', 'Flaky network', 'Tokens and session end', 'Two tabs'], 'React', 'Operations', 'Kit'] } },
  },
  globalTypes: {
    theme: {
      description: 'Light or dark',
      toolbar: { title: 'Theme', icon: 'contrast', items: ['system', 'light', 'dark'], dynamicTitle: true },
    },
  },
  afterEach({ loaded }) {
    const world = loaded['world'] as { sim?: Simulation } | undefined
    if (world?.sim) release(world.sim)
    // The pictures wait for it.
    document.documentElement.dataset['played'] = 'yes'
  },
  initialGlobals: { theme: 'system' },
  decorators: [
    (Story, { globals }) => {
      const theme = globals['theme'] as string
      useEffect(() => {
        if (theme === 'system') delete document.documentElement.dataset['theme']
        else document.documentElement.dataset['theme'] = theme
      }, [theme])
      return <Story />
    },
  ],
}
export default preview
