import type { Preview } from '@storybook/react-vite'
import { useEffect } from 'react'
import '@fontsource-variable/inter'
import '../stories/kit/tokens.css'
import '../stories/kit/pieces.css'

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
  // For the pictures: what the play function does has been done.
  afterEach: () => void (document.documentElement.dataset['played'] = 'yes'),
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
