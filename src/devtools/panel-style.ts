/**
 * The panel's own style, in a shadow root. The page's style and what elements inherit do not reach the panel, and the
 * panel's style does not reach the page. Only light or dark comes from the page.
 */
export const PANEL_STYLE = `
:host { display: block; container-type: inline-size }
* { box-sizing: border-box }
.panel {
  all: initial; display: block; box-sizing: border-box; color-scheme: inherit;
  --surface: light-dark(#fff, #16191d); --ground: light-dark(#f4f5f7, #1f2328); --ink: light-dark(#16181d, #eceef1);
  --muted: light-dark(#565d69, #a2aab4); --line: light-dark(#dfe2e7, #30363d);
  --leg-a: light-dark(#0b7a70, #46cfbd); --leg-a-soft: light-dark(#cfe9e4, #153f3a);
  --leg-b: light-dark(#4a48c8, #a3a2ff); --leg-b-soft: light-dark(#dddcf8, #2e2d63);
  --bad: light-dark(#b92318, #ff8d84); --bad-soft: light-dark(#fbe0dd, #4d1e1b);
  font: 13px/1.45 var(--livesocket-font, system-ui, sans-serif);
  color: var(--ink); background: var(--surface); border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; padding: 10px 14px; border-bottom: 1px solid var(--line) }
h2 { margin: 0; font-size: 13px; font-weight: 650 }
.status { padding: 2px 9px; border-radius: 99px; background: var(--ground); font-weight: 600 }
.status[data-status=live] { background: var(--leg-a-soft) }
.status[data-status=reconnecting], .status[data-status=closed] { background: var(--bad-soft) }
.where { color: var(--muted); flex: 1 1 12em; min-width: 0; overflow-wrap: anywhere }
.tools { display: flex; flex-wrap: wrap; gap: 6px }
button, select {
  font: inherit; font-weight: 550; color: inherit; background: var(--surface); border: 1px solid var(--line); border-radius: 8px;
  min-height: 30px; padding: 3px 10px; cursor: pointer;
}
button:hover:not(:disabled), select:hover { border-color: var(--muted) }
button:focus-visible, select:focus-visible, .log:focus-visible { outline: 2px solid var(--leg-b); outline-offset: 1px }
button:disabled { color: var(--muted); cursor: not-allowed; border-style: dashed }
button.primary { background: var(--ink); color: var(--surface); border-color: transparent }
button.danger { color: var(--bad) }
.timeline { padding: 10px 14px 4px }
canvas { display: block; width: 100% }
.key { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0; padding: 0 14px 10px; list-style: none; color: var(--muted) }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 6px; border: 1.5px solid var(--leg-a); vertical-align: -1px }
.key i.full { background: var(--leg-a) } .key i.bar { width: 16px; border-radius: 3px; background: var(--leg-a) }
.key i.soft { width: 16px; border-radius: 3px; background: var(--leg-a-soft) } .key i.count { width: auto; height: auto; padding: 0 5px; border-radius: 9px; font-size: 11px; font-style: normal; font-weight: 650; line-height: 13px; vertical-align: 0; color: var(--surface); background: var(--leg-a) } .key i.dash { width: 16px; border-radius: 3px; border-style: dashed }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(88px, 1fr)); gap: 1px; margin: 0; overflow: hidden; border-block: 1px solid var(--line) }
dl div { outline: 1px solid var(--line); padding: 8px 14px }
dt { color: var(--muted); font-size: 12px } dd { font-variant-numeric: tabular-nums; margin: 0; font-size: 17px; font-weight: 620; letter-spacing: -.01em }
dd[data-bad] { color: var(--bad) }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 4px 24px; padding: 10px 14px; border-bottom: 1px solid var(--line) }
.facts p { margin: 0 } .facts b { font-weight: 600 } .facts span { color: var(--muted) }
.track { height: 6px; border-radius: 3px; background: var(--ground); overflow: hidden; margin-top: 5px } .track i { display: block; height: 100%; background: var(--leg-a) }
.log { height: 196px; overflow: auto; margin: 0; padding: 6px 14px 12px; line-height: 19px; list-style: none; scrollbar-width: thin }
.log li { display: grid; grid-template-columns: 68px 150px 1fr; gap: 0 10px; padding: 2px 0 }
.log time { font-variant-numeric: tabular-nums; color: var(--muted); text-align: right } .log b { font-weight: 600 } .log span { color: var(--muted); overflow-wrap: anywhere }
.log li[data-tone=bad] b { color: var(--bad) } .log li[data-tone=handover] b { color: var(--leg-b) } .log li[data-tone=good] b { color: var(--leg-a) }
@container (max-width: 520px) { .log li { grid-template-columns: 56px 1fr } .log span { grid-column: 2 } }
`
