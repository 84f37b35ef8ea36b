/** How the page looks on screens, from 360 px of width on. Colours are those of the theme. */
export const SCREEN_CSS = `
/* What scrolls sideways has a shade where it goes on, which what is at the end covers. */
.scroll,.canvas{--shade:color-mix(in oklab,var(--edge) 45%,transparent);--edges:linear-gradient(to right,var(--card) 40%,transparent) 0 0/2.5rem 100% no-repeat local,linear-gradient(to left,var(--card) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,linear-gradient(to right,var(--shade),transparent) 0 0/.5rem 100% no-repeat scroll,linear-gradient(to left,var(--shade),transparent) 100% 0/.5rem 100% no-repeat scroll,var(--card)}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:400 1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
code,pre,.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.875em}
h1,h2,h3{line-height:1.2;font-weight:650;letter-spacing:-.015em;text-wrap:balance}
h1{font-size:clamp(1.6rem,1.1rem + 2.4vw,2.6rem);margin:.2rem 0 .9rem}
h2{font-size:1.35rem;margin:0 0 .75rem}
h3{font-size:1.02rem;margin:1.5rem 0 .5rem;letter-spacing:0}
p{margin:.5rem 0;max-width:72ch}
a{color:var(--link);text-underline-offset:.2em}
ul.plain{margin:.5rem 0;padding-left:1.15rem}
ul.plain li{margin:.25rem 0}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:1rem;top:-5rem;background:var(--card);color:var(--ink);padding:.5rem 1rem;z-index:3;border:1px solid var(--edge);border-radius:6px}
.skip:focus{top:1rem}
.page{max-width:78rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem) 4rem}
.top{display:flex;justify-content:space-between;align-items:center;gap:1rem;padding:1.1rem 0;color:var(--muted);font-size:.9rem}
.brand{font-weight:650;color:var(--ink)}
button{font:inherit;color:inherit;cursor:pointer}
.button{background:var(--card);border:1px solid var(--edge);border-radius:999px;padding:.3rem .9rem;font-size:.85rem;white-space:nowrap}
.button:hover{border-color:var(--ink)}
.hero{padding:1.2rem 0 1.6rem;border-bottom:1px solid var(--grid)}
.kicker{color:var(--muted);font-size:.85rem;margin:0}
h1 .name{font-family:inherit;font-size:inherit}
h1 .arrow{color:var(--muted);font-weight:400}
.lead{font-size:clamp(1.05rem,1rem + .3vw,1.2rem);line-height:1.5;max-width:62ch;margin:0}
.lead p{max-width:none;margin:.4rem 0}
.layout{display:grid;grid-template-columns:minmax(0,1fr);gap:0 3rem}
nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.9rem}
nav a{color:var(--muted);text-decoration:none;display:inline-block;padding:.2rem 0}
nav a:hover{color:var(--ink);text-decoration:underline}
nav{padding:1rem 0;border-bottom:1px solid var(--grid)}
main{min-width:0}
section{padding:1.9rem 0 0}
section+section{border-top:1px solid var(--grid);margin-top:1.9rem}
@media (min-width:70rem){
.layout{grid-template-columns:11rem minmax(0,1fr)}
nav{border:0;padding:2.2rem 0 0;position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto}
nav ol{flex-direction:column}
}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15.5rem),1fr));gap:.9rem;margin:0}
.tile{background:var(--card);border:1px solid var(--grid);border-radius:12px;padding:1rem 1.1rem;display:flex;flex-direction:column;gap:.15rem;min-width:0}
.tile dt{color:var(--muted);font-size:.85rem}
.tile dd{margin:0}
.was{color:var(--muted);font-size:1rem;white-space:nowrap}
.big{font-size:1.75rem;font-weight:650;letter-spacing:-.02em;line-height:1.25;white-space:nowrap}
.tile .note{font-size:.88rem;color:var(--muted)}
.bar{height:5px;border-radius:3px;background:var(--grid);overflow:hidden}
.bar::before{content:"";display:block;height:100%;width:var(--part);background:var(--c1);border-radius:3px}
.tile .bar-room{padding-top:.6rem;margin-top:auto}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.quiet{color:var(--muted)}
.mark{font-weight:650;white-space:nowrap}
.marks{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem}.marks .mark{white-space:normal}.marks .name{white-space:nowrap}
.mark::before{content:attr(data-sign);margin-right:.4em}
.scroll{overflow:auto;max-height:min(44rem,85vh);margin:.8rem 0;border:1px solid var(--grid);border-radius:10px;background:var(--edges)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--muted);font-size:.85rem;padding:.65rem .7rem;caption-side:top;border-bottom:1px solid var(--grid)}
th,td{text-align:left;padding:.42rem .7rem;vertical-align:top;font-weight:400}
thead th{color:var(--muted);font-size:.82rem;font-weight:600;white-space:nowrap;border-bottom:1px solid var(--grid);vertical-align:bottom;position:sticky;top:0;background:var(--card);box-shadow:0 1px 0 var(--grid)}
tbody tr+tr>*{border-top:1px solid var(--grid)}
tbody tr:hover{background:color-mix(in oklab,var(--link) 6%,transparent)}
tbody th:has(.name){min-width:9rem}
.number{text-align:right;white-space:nowrap}
td.words{min-width:14rem}
th,td:not(.words){overflow-wrap:break-word}
th .name{overflow-wrap:anywhere}
th button{background:none;border:0;padding:0;font-weight:inherit;color:inherit;text-align:inherit}
th button::after{content:"↕";opacity:.55;margin-left:.35em}
th[aria-sort=ascending] button::after{content:"↑";opacity:1}
th[aria-sort=descending] button::after{content:"↓";opacity:1}
.operator{color:var(--muted);font-size:.85em;margin-left:.5em}
.changed{font-weight:650;color:var(--link)}
.left-out{color:var(--muted);font-size:.88rem}
figure{margin:1.2rem 0;background:var(--card);border:1px solid var(--grid);border-radius:12px;padding:1rem 1.1rem}
figcaption{margin-bottom:.8rem}
figcaption strong{display:block}
figcaption span{color:var(--muted);font-size:.9rem}
.canvas{overflow:auto;background:var(--edges)}
.word{display:inline-block;max-width:100%;white-space:pre-wrap}
.canvas.tall svg{max-width:none!important;margin:0 auto}
@media (max-width:44rem){.canvas svg{max-width:none!important}}
.canvas.tall{max-height:min(46rem,85vh)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:0 1rem}
svg [data-tip]{outline:none}
svg [data-tip]:focus-visible,svg [data-tip].tipped{filter:brightness(1.12);stroke:var(--ink);stroke-width:1.5px}
.tip{position:absolute;z-index:4;pointer-events:none;max-width:min(22rem,calc(100vw - 2rem));background:var(--ink);color:var(--paper);font-size:.82rem;line-height:1.4;padding:.4rem .65rem;border-radius:7px;white-space:pre-line;box-shadow:0 4px 18px rgb(0 0 0/.25)}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--link);font-size:.9rem;width:fit-content}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:.1rem 2rem;margin:.6rem 0}
.facts div{display:flex;justify-content:space-between;gap:1rem;padding:.3rem 0;border-bottom:1px solid var(--grid);font-size:.9rem}
.facts dt{color:var(--muted);white-space:nowrap}
.facts dd{margin:0;text-align:right}
.callout{border-left:4px solid var(--edge);background:var(--card);padding:.6rem 1rem;border-radius:0 8px 8px 0;margin:.7rem 0;max-width:80ch}
.callout.bad,.callout.warn,.callout.good{border-color:currentColor}
.callout>*{color:var(--ink);margin:0}
.command{display:flex;gap:.8rem;align-items:flex-start;background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:.8rem 1rem;margin:.7rem 0}
.command pre{margin:0;flex:1;min-width:0;white-space:pre-wrap;line-height:1.5}
footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--grid);color:var(--muted);font-size:.85rem}
@media (max-width:34rem){.big{font-size:1.5rem}.command{flex-direction:column}figure{padding:.8rem}th,td{padding:.4rem .6rem}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;

/** How it looks on paper: nothing to press, nothing hidden, no shadows. */
export const PRINT_CSS = `
@page{margin:16mm 14mm}
@media print{
html{font-size:10.5pt}
body{background:#fff}
.page{max-width:none;padding:0}
nav,.skip,.button,.tip,th button::after{display:none!important}
.tile,figure,.scroll,.canvas,.callout,.command{background:none;box-shadow:none;border-color:#bbb}
.layout{display:block}
section{padding:1.1rem 0 0;break-inside:auto}
section+section{margin-top:1rem}
h2,h3,caption,figcaption{break-after:avoid}
tr,.tile,.callout,.command{break-inside:avoid}
figure{break-inside:auto}
thead{display:table-header-group}
.scroll,.canvas,.canvas.tall{overflow:visible;max-height:none}
.canvas svg,.canvas.tall svg{max-width:100%!important}
summary{list-style:none;color:#000;font-weight:600}
details::details-content{content-visibility:visible;block-size:auto}
table{font-size:8.5pt}
thead th{white-space:normal;position:static;box-shadow:none;background:none}
th,td{padding:.25rem .4rem}
tbody th:has(.name),td.words{min-width:0}
figure tbody th{min-width:6em;overflow-wrap:anywhere}
table.wide,table.wide thead th{font-size:6.3pt}
.wide th,.wide td{padding:.2rem}
.big{font-size:1.35rem}.was{font-size:.9rem}
a{color:inherit;text-decoration:none}
.tiles{grid-template-columns:repeat(3,1fr)}
}
`;
