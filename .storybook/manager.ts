import { addons } from 'storybook/manager-api'
import { create } from 'storybook/theming'

addons.setConfig({
  theme: create({
    base: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
    brandTitle: 'LiveSocket',
    colorPrimary: '#4644c2',
    colorSecondary: '#4644c2',
    appBorderRadius: 10,
  }),
})
