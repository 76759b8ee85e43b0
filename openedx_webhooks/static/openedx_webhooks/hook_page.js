/* The tabs of a hook's page. Without this script its parts stand one after another, and the links lead to them. */
'use strict';
{
    const start = () => {
        const list = document.querySelector('.owh-tablist');
        if (!list) {
            return;
        }
        const tabs = [...list.querySelectorAll('a')];
        const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

        const open = (chosen) => {
            for (const tab of tabs) {
                const isChosen = tab === chosen;
                tab.setAttribute('aria-selected', String(isChosen));
                tab.tabIndex = isChosen ? 0 : -1;
                panelOf(tab).hidden = !isChosen;
            }
        };

        // The tab itself, or the one that holds the element; a fold around the element is opened.
        const openFor = (hash) => {
            let target = null;
            try {
                target = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
            } catch {
                return;
            }
            const tab = target && tabs.find((each) => panelOf(each).contains(target));
            if (!tab) {
                return;
            }
            open(tab);
            target.closest('details')?.setAttribute('open', '');
            if (panelOf(tab) === target) {
                window.scrollTo(0, 0);
            } else {
                target.scrollIntoView();
            }
        };

        list.setAttribute('role', 'tablist');
        for (const tab of tabs) {
            const panel = panelOf(tab);
            tab.id = `${panel.id}-tab`;
            tab.setAttribute('role', 'tab');
            tab.setAttribute('aria-controls', panel.id);
            panel.setAttribute('role', 'tabpanel');
            panel.setAttribute('aria-labelledby', tab.id);
            panel.classList.add('owh-is-tab');
            tab.addEventListener('click', (event) => {
                event.preventDefault();
                open(tab);
                history.replaceState(null, '', tab.hash);
            });
        }
        list.addEventListener('keydown', (event) => {
            const steps = {ArrowRight: 1, ArrowLeft: -1};
            const ends = {Home: 0, End: tabs.length - 1};
            const at = tabs.indexOf(document.activeElement);
            if (at < 0 || !(event.key in steps || event.key in ends)) {
                return;
            }
            event.preventDefault();
            const next = tabs[event.key in ends ? ends[event.key] : (at + steps[event.key] + tabs.length) % tabs.length];
            next.focus();
            next.click();
        });

        const withErrors = tabs.find((tab) => panelOf(tab).querySelector('.errorlist, .errornote'));
        open(withErrors || tabs[0]);
        if (!withErrors) {
            openFor(location.hash);
        }
        window.addEventListener('hashchange', () => openFor(location.hash));
        // A link to where one is already changes no hash.
        document.addEventListener('click', (event) => {
            const link = event.target.closest('a[href^="#"]');
            if (link && !tabs.includes(link) && link.hash === location.hash) {
                openFor(link.hash);
            }
        });
    };
    document.addEventListener('DOMContentLoaded', start);
}
