/* What follows by itself on the pages of records; without this script there are buttons and links for it. */
'use strict';
{
    const LONGEST = 30;

    const get = (url, options) => fetch(url, {
        ...options, credentials: 'same-origin', headers: {'X-Requested-With': 'XMLHttpRequest'},
    }).then((response) => {
        // A login page is no part of this one.
        if (!response.ok || response.redirected) {
            throw new Error(response.status);
        }
        return response.text();
    });

    // What the person holds open or has the focus in is not taken from under them.
    const replace = (part, html) => {
        const open = new Set([...part.querySelectorAll('details[open]')].map((each) => each.id));
        const focused = part.contains(document.activeElement) && document.activeElement.id;
        const template = document.createElement('template');
        template.innerHTML = html;
        template.content.querySelectorAll('details').forEach((each) => {
            each.open = each.open || open.has(each.id);
        });
        part.replaceChildren(template.content);
        // Only what stays in the page is read out when it changes.
        const state = part.querySelector('[data-owh-state]');
        const says = document.getElementById('owh-says');
        if (state && says && says.textContent !== state.textContent) {
            says.textContent = state.textContent;
        }
        const again = focused && document.getElementById(focused);
        if (again) {
            again.focus();
        }
    };

    // A form that presses its own button, until it has none.
    const goOn = (form, waits) => {
        const part = form.querySelector('[data-owh-part]');
        const button = part.querySelector('[data-owh-press]');
        if (!button) {
            return;
        }
        const wait = Math.max(Number(button.dataset.owhPress), waits);
        setTimeout(() => {
            get(form.action, {method: 'POST', body: new FormData(form)}).then((html) => {
                replace(part, html);
                goOn(form, Number(button.dataset.owhPress) < 1 ? 0 : Math.min(LONGEST, wait * 1.5));
            }).catch(() => {
                // The button is still there.
            });
        }, wait * 1000);
    };

    // A part of the page that is fetched again until it says that it is final.
    const follow = (part, wait) => {
        if (!part.querySelector('[data-owh-pending]')) {
            return;
        }
        setTimeout(() => {
            if (document.hidden) {
                follow(part, wait);
                return;
            }
            get(part.dataset.owhFollow).then((html) => {
                const isSame = part.dataset.owhHtml === html;
                part.dataset.owhHtml = html;
                if (!isSame) {
                    replace(part, html);
                }
                follow(part, isSame ? Math.min(LONGEST, wait * 1.5) : 2);
            }).catch(() => follow(part, Math.min(LONGEST, wait * 2)));
        }, wait * 1000);
    };

    // On a telephone the list comes first; what is filtered by stays in sight.
    const fold = (filters) => {
        filters.open = filters.hasAttribute('data-owh-active') || !matchMedia('(max-width: 640px)').matches;
    };

    const start = () => {
        document.querySelectorAll('.owh-filters').forEach(fold);
        document.querySelectorAll('form[data-owh-goes-on]').forEach((form) => goOn(form, 0));
        document.querySelectorAll('[data-owh-follow]').forEach((part) => follow(part, 2));
    };
    if (document.readyState === 'loading') {
        document.addEventListener('DOMContentLoaded', start);
    } else {
        start();
    }
}
