/* The preview follows what is typed. Without this script its button does. */
'use strict';
{
    const WAIT = 400;

    const start = (box) => {
        const form = box.closest('form');
        const part = (name) => box.querySelector('.owh-preview-' + name);
        const status = part('status');
        const shown = {};
        let timer = null;
        let running = null;
        let testing = false;

        const say = (text) => {
            if (status.textContent !== text) {
                status.textContent = text;
            }
        };
        // The field of a warning, if it still has what the warning is about.
        const fieldOf = (button) => {
            const {field, start, end} = button.closest('li').dataset;
            const input = form.elements[field];
            const marked = button.closest('li').querySelector('mark').textContent;
            return input && input.setRangeText && input.value.slice(start, end) === marked ? input : null;
        };
        const apply = (button) => {
            const input = fieldOf(button);
            if (!input) {
                return;
            }
            const item = button.closest('li');
            const text = item.querySelector('.owh-suggestion').textContent;
            input.focus();
            input.setRangeText(text, Number(item.dataset.start), Number(item.dataset.end), 'end');
            input.dispatchEvent(new Event('input', {bubbles: true}));
        };
        // What was unfolded stays so.
        const put = (name, html) => {
            if (shown[name] === html) {
                return;
            }
            shown[name] = html;
            const element = part(name);
            const open = [...element.querySelectorAll('details[open]')].map((each) => each.dataset.key);
            element.innerHTML = html;
            element.querySelectorAll('details').forEach((each) => {
                each.open = each.open || (each.dataset.key && open.includes(each.dataset.key));
            });
            element.querySelectorAll('.owh-apply').forEach((button) => { button.hidden = !fieldOf(button); });
        };
        const explain = (examples) => {
            ['id_condition', 'id_shape', 'id_local_answer'].forEach((id) => {
                const help = document.getElementById(id + '_helptext');
                if (!help) {
                    return;
                }
                let example = help.querySelector('.owh-example');
                if (!example) {
                    example = document.createElement('span');
                    example.className = 'owh-example';
                    help.append(example);
                }
                const code = document.createElement('code');
                code.textContent = examples[id] || '';
                example.replaceChildren(box.dataset.example + ' ', code);
                example.hidden = !examples[id];
            });
        };
        const later = () => {
            clearTimeout(timer);
            timer = setTimeout(() => ask(), WAIT);
        };
        const ask = async (button) => {
            clearTimeout(timer);
            if (testing) {
                // What was sent is not taken back: its result comes first.
                later();
                return;
            }
            testing = Boolean(button);
            if (running) {
                running.abort();
            }
            const mine = running = new AbortController();
            const data = new FormData(form);
            if (button) {
                data.set(button.name, button.value);
                say(box.dataset.busy);
            }
            try {
                const response = await fetch(box.dataset.url, {
                    method: 'POST', body: data, signal: mine.signal, headers: {Accept: 'application/json'},
                });
                if (!response.ok) {
                    throw new Error(response.status);
                }
                const made = await response.json();
                put('choice', made.choice);
                part('search').hidden = !made.may_search;
                if (part('answer')) {
                    part('answer').hidden = made.is_local;
                    put('answers', made.answers);
                    part('answers').hidden = false;
                }
                put('result', made.result);
                if (button) {
                    put('test', made.test);
                }
                explain(made.examples);
                say(made.status);
            } catch (error) {
                if (error.name !== 'AbortError') {
                    say(box.dataset.failed);
                }
            } finally {
                if (running === mine) {
                    running = null;
                    testing = false;
                }
            }
        };
        box.classList.add('owh-live');
        if (part('answers')) {
            part('answers').addEventListener('click', (event) => {
                if (event.target.dataset.answer) {
                    box.querySelector('#owh-answer').value = event.target.dataset.answer;
                    ask();
                }
            });
        }
        part('result').addEventListener('click', (event) => {
            const button = event.target.closest('.owh-apply');
            if (button) {
                apply(button);
            }
        });
        part('choice').addEventListener('change', () => ask());
        box.querySelectorAll('.owh-test-button').forEach((button) => {
            button.type = 'button';
            button.addEventListener('click', async () => {
                button.disabled = true;
                await ask(button);
                button.disabled = false;
                button.focus();
            });
        });
        box.querySelectorAll('.owh-preview-button, .owh-default-button').forEach((button) => button.remove());
        // Select2 tells of a choice by jQuery only.
        if (window.django && window.django.jQuery) {
            window.django.jQuery(form).on('input change', later);
        } else {
            form.addEventListener('input', later);
            form.addEventListener('change', later);
        }
        ask();
    };

    window.addEventListener('load', () => document.querySelectorAll('.owh-preview').forEach(start));
}
