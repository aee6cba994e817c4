
BscoresJ(õπb¿õπb¿ﬂ+¢AF<√@F<C¡h&¿¥ç¡äàI¿yW∞¿ﬂç
@