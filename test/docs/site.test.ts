import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { deadLinks } from '../../site/dead-links.js'

it('a link of the site that leads to no page, picture or heading is found, and no other', () => {
  const dist = mkdtempSync(join(tmpdir(), 'livesocket-site-'))
  onTestFinished(() => rmSync(dist, { recursive: true }))
  const files = {
    'index.html':
      '<a href="/docs/react#the-hooks"><a href="docs/react.html"><a href="/api/"><a href="https://h/x"><img src="/a.png"><a href="#up"><h1 id="up">',
    'docs/react.html':
      '<h2 id="the-hooks"><a href="../index.html#down"><a href="/docs"><img src="b.png"><a href="../../up">',
    'api/index.html': '<a href="#caf%C3%A9"><h2 id="café">',
    'storybook/index.html': '<script src="no.js">',
    'a.png': '',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dist, name)), { recursive: true })
    writeFileSync(join(dist, name), text)
  }
  const { dead, checked } = deadLinks(dist)
  expect(dead.sort()).toEqual(
    ['../index.html#down', '/docs', 'b.png', '../../up'].map((link) => `docs/react.html → ${link}`).sort(),
  )
  expect(checked).toBe(10)
})
