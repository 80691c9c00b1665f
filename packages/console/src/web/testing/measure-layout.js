// Runs inside a page. Says how far it scrolls sideways, and which targets are smaller than 44 px or
// written in less than 16 px (a phone zooms into those). Links within a sentence may be as high as
// their line (WCAG 2.2, 2.5.8).
;(() => {
  const { scrollWidth, clientWidth } = document.documentElement
  const small = []
  for (const target of document.querySelectorAll(
    'button, input:not([type=hidden]), select, .button, nav a, .brand',
  )) {
    const { width, height } = target.getBoundingClientRect()
    const name = `${target.outerHTML.slice(0, 80)} is ${width} x ${height}`
    if (!target.hidden && (width < 44 || height < 44)) small.push(name)
    const size = Number.parseFloat(getComputedStyle(target).fontSize)
    if (target.matches('input, select') && size < 16) small.push(`${name}, written in ${size} px`)
  }
  return { sideways: scrollWidth - clientWidth, small }
})()
